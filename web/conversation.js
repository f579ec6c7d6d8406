// A conversation on one time axis: a column a party, in blocks of what is said at the same time. While anybody in a block
// still speaks, what begins goes into it, below its own party's lines: so a line that grows moves nothing.

import { clock } from "./call.js";
import { element, plain, setText } from "./dom.js";

const MOST_COLUMNS = 3;

export class Conversation {
  constructor(root, call) {
    this.root = root;
    this.call = call;
    this.rows = new Map(); // by line id
    this.blocks = []; // in order: { node, columns, startMs, open: Set of line ids }
  }

  /** Show a line, or show it anew; returns its element. */
  show(line) {
    const row = this.rows.get(line.id) ?? this.#add(line);
    row.node.classList.toggle("final", line.isFinal);
    // Who is who may become known after the first words.
    row.node.style.setProperty("--party", `var(--party-${(this.#number(line.party) % 4) + 1})`);
    setText(row.text, plain(line.text));
    setText(row.time, clock(line.startMs));
    row.line = line;
    if (line.isFinal) {
      row.block.open.delete(line.id);
      this.#mark(row);
    }
    return row.node;
  }

  /** Drop lines that are being said no more and came to nothing. */
  drop() {
    const keep = new Set([...this.call.partials.values()].map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (row.line.isFinal || keep.has(id)) continue;
      row.node.remove();
      row.block.open.delete(id);
      this.rows.delete(id);
    }
  }

  /** Say in between what is not speech. */
  note(text, atMs, kind = "") {
    this.put(element("p", { class: `note ${kind}` }, plain(text)), atMs);
  }

  put(node, startMs) {
    this.#insert({ node, columns: new Map(), startMs, open: new Set() });
  }

  /** The line that is spoken at `ms`, or the first one after it. */
  at(ms) {
    const lines = [...this.rows.values()].sort((a, b) => a.line.startMs - b.line.startMs);
    return (lines.find(({ line }) => line.endMs > ms) ?? lines.at(-1))?.node ?? null;
  }

  #add(line) {
    const block = this.#blockFor(line);
    const column = this.#column(block, line.party);
    const time = element("a", { class: "time", href: `#call=${this.call.callId}&t=${Math.floor(line.startMs / 1000)}` });
    const text = element("p", { class: "text", dir: "auto" });
    const node = element("article", { class: "line", tabindex: "-1", "data-party": line.party }, time, text);
    column.append(node);
    const row = { node, time, text, line, block };
    if (!line.isFinal) block.open.add(line.id);
    this.rows.set(line.id, row);
    return row;
  }

  #blockFor(line) {
    const last = this.blocks.at(-1);
    const belongs = last && line.startMs >= last.startMs;
    // Its own party's line may still stand open for a moment after it was said: that is no talking over each other.
    if (belongs && [...last.open].some((id) => this.rows.get(id)?.line.party !== line.party)) return last;
    const block = { node: element("section", { class: "block" }), columns: new Map(), startMs: line.startMs, open: new Set() };
    this.#insert(block);
    return block;
  }

  #insert(block) {
    let place = this.blocks.length;
    while (place > 0 && this.blocks[place - 1].startMs > block.startMs) place -= 1;
    this.root.insertBefore(block.node, this.blocks[place]?.node ?? null);
    this.blocks.splice(place, 0, block);
  }

  #column(block, party) {
    const number = this.#number(party) % MOST_COLUMNS;
    if (!block.columns.has(number)) {
      const node = element("div", { class: "column", style: `--column: ${number + 1}` });
      block.columns.set(number, node);
      block.node.append(node);
    }
    return block.columns.get(number);
  }

  #number(party) {
    return Math.max(0, this.call.parties.indexOf(party));
  }

  #mark({ node, line }) {
    const sounds = this.#told(line, "sentiment", "sentiments").map((each) => each.sentiment);
    if (sounds.length) node.dataset.sentiment = plain([...new Set(sounds)].join(", "));
    const names = this.#told(line, "entities", "entities").map((each) => `${each.type}: ${each.text}`).join(", ");
    if (names) node.dataset.entities = plain(names);
  }

  #told({ marks }, kind, name) {
    return marks.filter((mark) => mark.kind === kind).flatMap(({ body }) => body[name]);
  }
}

// Where the live words differ from those of the call's recording, shown in the text. Fetched for a call with a second pass.

import { element, plain, setText } from "./dom.js";

export class Comparison {
  constructor(root, view) {
    this.view = view;
    this.told = element("span", {});
    this.button = element("button", { type: "button", "aria-pressed": "false", onclick: () => this.#toggle() }, "Show in the text");
    root.append(element("p", { class: "second" }, this.told, " ", this.button));
  }

  show({ differences }) {
    const rates = differences.filter(({ words }) => words).map(({ party, words, substituted, missing, added }) =>
      `${plain(party)} ${((100 * (substituted + missing + added)) / words).toFixed(1)} % of ${words} words`);
    setText(this.told, `Heard otherwise in the recording: ${rates.join(", ") || "nothing, as nobody speaks there"}.`);
  }

  async #toggle() {
    const isShown = this.button.getAttribute("aria-pressed") === "true";
    try {
      if (isShown) this.#hide();
      else this.#mark((await this.view.api.secondPass(this.view.call.callId)).changes);
    } catch (error) {
      setText(this.told, error.message);
      return;
    }
    this.button.setAttribute("aria-pressed", String(!isShown));
  }

  #mark(changes) {
    const rows = [...this.view.conversation.rows.values()].sort((a, b) => a.line.startMs - b.line.startMs);
    const byRow = new Map();
    for (const change of changes) {
      const row = nearest(rows.filter(({ line }) => line.party === change.party), change);
      if (row) byRow.set(row, [...(byRow.get(row) ?? []), change]);
    }
    for (const [row, own] of byRow) row.text.replaceChildren(...compared(row.line, own));
  }

  #hide() {
    for (const { text, line } of this.view.conversation.rows.values()) setText(text, plain(line.text));
  }
}

/** The row in which a change was said: the one that overlaps it most, or the closest. */
function nearest(rows, { start_ms: start, end_ms: end }) {
  const apart = ({ line }) => Math.max(line.startMs - end, start - line.endMs);
  return rows.reduce((best, row) => (best === null || apart(row) < apart(best) ? row : best), null);
}

/** A line's text with what was heard struck out, and what the recording says put in. */
function compared({ text, words }, changes) {
  const heard = words.map(([word, start]) => ({ word, start }));
  if (!heard.length) return [plain(text), ...changes.flatMap((change) => shown(change, " "))];
  const made = heard.map(({ word }) => [plain(word)]);
  const after = [];
  for (const change of changes) {
    const wanted = change.live ? change.live.split(" ") : [];
    const at = heard.findIndex(({ start }, place) => start >= change.start_ms &&
      wanted.every((each, next) => heard[place + next]?.word.trim() === each));
    if (at < 0) after.push(...shown(change, " "));
    else if (!wanted.length) made[at].unshift(...shown(change, " "));
    else {
      made[at] = shown(change, " ");
      for (let place = at + 1; place < at + wanted.length; place += 1) made[place] = [];
    }
  }
  return [...made.flat(), ...after];
}

function shown({ live, recorded }, space) {
  const parts = [];
  if (live) parts.push(space, element("del", {}, plain(live)));
  if (recorded) parts.push(space, element("ins", {}, plain(recorded)));
  return parts;
}

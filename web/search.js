// Finds text in what is shown, and marks it without touching it: nothing is laid out anew.

import { setText } from "./dom.js";

export class Search {
  /** `begun` is called when somebody begins to look for something. */
  constructor(input, count, root, begun) {
    this.input = input;
    this.count = count;
    this.root = root;
    this.ranges = [];
    this.place = 0;
    input.addEventListener("input", () => (begun(), this.#find(), this.#go(0)));
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#go(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") this.#end();
    });
    // What is said meanwhile is found as well.
    new MutationObserver(() => this.input.value && this.#find()).observe(root, { childList: true, subtree: true, characterData: true });
  }

  #find() {
    const wanted = this.input.value.trim().toLocaleLowerCase();
    this.ranges = wanted ? [...this.root.querySelectorAll(".text")].flatMap((node) => [...found(node, wanted)]) : [];
    this.place = Math.min(this.place, Math.max(0, this.ranges.length - 1));
    this.#mark();
  }

  #go(by) {
    if (this.ranges.length) {
      this.place = (this.place + by + this.ranges.length) % this.ranges.length;
      this.ranges[this.place].startContainer.parentElement.scrollIntoView({ block: "center" });
    }
    this.#mark();
  }

  #end() {
    this.input.value = "";
    this.#find();
    this.input.blur();
  }

  #mark() {
    setText(this.count, this.input.value ? `${this.ranges.length && this.place + 1}/${this.ranges.length}` : "");
    if (!globalThis.CSS?.highlights) return;
    CSS.highlights.set("found", new Highlight(...this.ranges));
    CSS.highlights.set("here", new Highlight(...this.ranges.slice(this.place, this.place + 1)));
  }
}

function* found(node, wanted) {
  const text = node.firstChild;
  const whole = text?.data.toLocaleLowerCase() ?? "";
  // Some letters change their length with their case; then the places would not fit.
  if (whole.length !== (text?.data.length ?? 0)) return;
  for (let at = whole.indexOf(wanted); at >= 0; at = whole.indexOf(wanted, at + wanted.length)) {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + wanted.length);
    yield range;
  }
}

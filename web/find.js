// Calls that are over, by what was said in them: the search of the HTTP API. Fetched when somebody looks for something.

import { clock } from "./call.js";
import { element, plain, setText } from "./dom.js";

const AGAIN_MS = 1000; // while a search goes on
const EXAMPLES = ['"lost my card"', "card party:caller", "number:+12025550123 from:2026-11-01", "sentiment:negative longer:5m"];

export class FindView {
  /** `query` is what is looked for; an empty one shows what could be. */
  constructor(root, { api, query }) {
    this.api = api;
    this.query = query;
    document.head.append(element("link", { rel: "stylesheet", href: "find.css" }));
    const input = element("input", { type: "search", value: query, placeholder: "Search what was said", "aria-label": "Search what was said", title: "/" });
    input.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") location.hash = `#find=${encodeURIComponent(input.value.trim())}`;
    });
    this.parts = {
      input,
      told: element("span", { class: "about", role: "status" }),
      calls: element("ol", { class: "results" }),
      more: element("button", { type: "button", class: "more", hidden: true, onclick: () => this.#find({ next: this.next }) }, "Earlier calls"),
    };
    root.replaceChildren(
      element("header", { class: "top" }, element("div", { class: "bar" },
        element("a", { class: "back", href: "#", "aria-label": "All calls" }, "←"),
        element("div", { class: "names" }, element("h1", {}, "Search"), this.parts.told),
        element("div", { class: "tools" }, input))),
      element("main", { class: "calls find" }, this.parts.calls, this.parts.more),
      element("footer", { class: "bottom" }),
    );
    if (query) this.#find({});
    else this.#explain();
    input.focus();
  }

  close() {
    this.isClosed = true;
  }

  key({ key }) {
    const links = [...this.parts.calls.querySelectorAll("a")];
    const here = links.indexOf(document.activeElement);
    if (key === "/") this.parts.input.focus();
    else if (key === "j" || key === "k") links[Math.min(Math.max(0, here + (key === "j" ? 1 : -1)), links.length - 1)]?.focus();
    else return false;
    return true;
  }

  async #find(more) {
    this.parts.more.hidden = true;
    setText(this.parts.told, "searching …");
    try {
      let page = await this.api.search({ q: this.query, ...more });
      while (!page.over && !this.isClosed) {
        await new Promise((done) => setTimeout(done, AGAIN_MS));
        page = await this.api.search({ search: page.search });
      }
      if (this.isClosed) return;
      this.parts.calls.append(...page.calls.map((call) => this.#call(call)));
      this.next = page.next;
      this.parts.more.hidden = !page.next;
      const found = this.parts.calls.childElementCount;
      const calls = found === 1 ? "one call" : `${found} calls`;
      setText(this.parts.told, !found ? "nothing was found" : page.next ? `${calls}, and earlier ones` : calls);
    } catch (error) {
      setText(this.parts.told, error.message);
    }
  }

  #call({ link, from, to, started_at: startedAt, duration_ms: ms, moments }) {
    const began = new Date(startedAt).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    return element("li", {},
      element("a", { class: "call", href: link }, `${plain(from || "unknown")} → ${plain(to || "unknown")}`),
      element("span", { class: "about" }, ` ${began} · ${clock(ms)}`),
      element("ol", {}, ...moments.map((moment) => element("li", {},
        element("a", { href: moment.link }, element("span", { class: "time" }, clock(moment.start_ms)), " ",
          element("b", {}, plain(moment.party)), " ", ...this.#marked(plain(moment.text)))))));
  }

  /** Text with the words that are looked for marked. */
  #marked(text) {
    const wanted = new Set(spelt(this.query.replace(/\b\w+:("[^"]*"|\S*)/g, " ")));
    return text.split(/(\s+)/).map((word) => (wanted.has(spelt(word)[0]) ? element("mark", {}, word) : word));
  }

  #explain() {
    setText(this.parts.told, "in calls that are over");
    this.parts.calls.append(...EXAMPLES.map((each) =>
      element("li", {}, element("a", { href: `#find=${encodeURIComponent(each)}` }, each))));
  }
}

/** Words without what search does not look at: case, accents, punctuation. */
function spelt(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

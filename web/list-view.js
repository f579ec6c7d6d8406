// All calls: those that go on, and those that are over, newest first.

import { clock } from "./call.js";
import { element, plain, setText } from "./dom.js";

const PAGE = 50;

export class ListView {
  constructor(root, { api, callscribe }) {
    this.api = api;
    this.rows = new Map(); // by call id
    this.next = null;
    this.parts = {
      live: element("tbody", { id: "live" }),
      past: element("tbody", { id: "past" }),
      count: element("span", { class: "count" }),
      filter: element("input", { type: "search", placeholder: "Number", "aria-label": "Calls with this number", title: "/" }),
      more: element("button", { type: "button", class: "more", hidden: true, onclick: () => this.#more() }, "Earlier calls"),
      empty: element("p", { class: "empty", hidden: true }, "No calls yet. Place one: callscribe call --recorded voicemail"),
      connection: element("span", { class: "connection", role: "status" }, "connecting"),
      error: element("p", { class: "failed", role: "alert", hidden: true }),
    };
    const head = (text) => element("th", { scope: "col" }, text);
    const table = (label, body) =>
      element("table", { "aria-label": label },
        element("thead", {}, element("tr", {}, ...["From", "To", "Began", "Lasted", "Parties", "Status"].map(head))), body);
    root.replaceChildren(
      element("header", { class: "top" },
        element("div", { class: "bar" }, element("div", { class: "names" }, element("h1", {}, "Calls"), this.parts.count),
          element("div", { class: "tools" }, element("a", { href: "#find=" }, "Search what was said"), this.parts.filter))),
      element("main", { class: "calls" }, this.parts.error, table("In progress", this.parts.live),
        element("h2", {}, "Past"), table("Past", this.parts.past), this.parts.empty, this.parts.more),
      element("footer", { class: "bottom" }, element("span", {}), this.parts.connection),
    );
    this.parts.filter.addEventListener("change", () => this.#load());
    callscribe.watch({ watching: () => this.#load(), call: (told) => this.#told(told), refused: ({ message }) => this.#fail(message) });
    this.ticking = setInterval(() => this.#tick(), 1000);
    this.callscribe = callscribe;
  }

  close() {
    this.isClosed = true;
    clearInterval(this.ticking);
  }

  state({ name, seconds }) {
    setText(this.parts.connection, name === "waiting" ? `connection lost; again in ${Math.ceil(seconds)} s` : name);
    this.parts.connection.dataset.state = name;
  }

  key({ key }) {
    const rows = [...document.querySelectorAll("tr[data-call]")];
    const here = rows.indexOf(document.activeElement?.closest("tr"));
    switch (key) {
      case "/":
        this.parts.filter.focus();
        return true;
      case "j":
      case "k":
        rows[Math.min(Math.max(0, here + (key === "j" ? 1 : -1)), rows.length - 1)]?.querySelector("a").focus();
        return true;
      default:
        return false;
    }
  }

  async #load() {
    try {
      const [live, past] = await Promise.all([
        this.#all(this.#asked({ status: "in-progress", limit: 200 })),
        this.api.calls(this.#asked({ status: "ended" })),
      ]);
      if (this.isClosed) return;
      this.rows.clear();
      this.parts.live.replaceChildren(...live.map((call) => this.#row(call)));
      this.parts.past.replaceChildren(...past.calls.map((call) => this.#row(call)));
      this.next = past.next;
      this.parts.error.hidden = true;
      this.#counted();
    } catch (error) {
      this.#fail(error.message);
    }
  }

  #asked(more) {
    const number = this.parts.filter.value.trim();
    return { limit: PAGE, ...(number && { number }), ...more };
  }

  async #all(query) {
    const calls = [];
    for (let next = null; ; ) {
      const page = await this.api.calls(next ? { ...query, next } : query);
      calls.push(...page.calls);
      next = page.next;
      if (!next || calls.length >= 1000) return calls;
    }
  }

  async #more() {
    const page = await this.api.calls(this.#asked({ status: "ended", next: this.next }));
    this.parts.past.append(...page.calls.map((call) => this.#row(call)));
    this.next = page.next;
    this.#counted();
  }

  #told({ call_id: callId, kind, at, body }) {
    const known = this.rows.get(callId);
    if (kind === "call.started" && !known) {
      const { number } = this.#asked();
      if (number && number !== body.from && number !== body.to) return;
      this.parts.live.prepend(this.#row({ ...body, call_id: callId, status: "in-progress", started_at: at, parties: [] }));
    } else if (kind === "call.ended" && known && known.call.status !== "ended") {
      Object.assign(known.call, { status: "ended", reason: body.reason, duration_ms: body.duration_ms });
      known.node.remove();
      this.parts.past.prepend(this.#row(known.call));
    } else if (kind === "call.failed" && known) {
      known.call.failure = body.reason;
      known.node.replaceWith(this.#row(known.call));
    }
    this.#counted();
  }

  #row(call) {
    const isLive = call.status !== "ended";
    const lasted = element("td", { class: "number" }, isLive ? "" : clock(call.duration_ms ?? 0));
    const began = new Date(call.started_at);
    const standing = call.failure ? "not complete" : isLive ? "live" : plain(call.reason ?? "ended");
    const kind = call.failure ? "failed" : isLive ? "live" : "";
    const node = element("tr", { "data-call": call.call_id },
      element("td", {}, element("a", { href: `#call=${encodeURIComponent(call.call_id)}` }, plain(call.from || "unknown"))),
      element("td", {}, plain(call.to || "unknown")),
      element("td", {}, element("time", { datetime: call.started_at }, began.toLocaleString([], { dateStyle: "short", timeStyle: "medium" }))),
      lasted,
      element("td", {}, plain((call.parties ?? []).join(", "))),
      element("td", {}, element("span", { class: `standing ${kind}`, title: plain(call.failure ?? "") }, standing)));
    this.rows.set(call.call_id, { call, node, lasted, beganMs: began.getTime() });
    if (isLive) setText(lasted, clock(Date.now() - began.getTime()));
    return node;
  }

  #counted() {
    const live = this.parts.live.childElementCount;
    setText(this.parts.count, live === 1 ? "1 in progress" : `${live} in progress`);
    this.parts.empty.hidden = this.rows.size > 0;
    this.parts.more.hidden = this.next === null || this.next === undefined;
  }

  #tick() {
    for (const { call, lasted, beganMs } of this.rows.values()) {
      if (call.status !== "ended") setText(lasted, clock(Date.now() - beganMs));
    }
  }

  #fail(message) {
    setText(this.parts.error, message);
    this.parts.error.hidden = false;
  }
}

// One call on the screen: who speaks, what is said, what is missing.

import { Call, clock, moment } from "./call.js";
import { Conversation } from "./conversation.js";
import { element, plain, setText } from "./dom.js";
import { Search } from "./search.js";
import { Strip } from "./strip.js";

const FORMATS = ["text", "vtt", "srt", "csv", "json"];
const SPEAKS_MS = 1500; // after the last partial
const READ_ALOUD = 3; // finals that a screen reader may still have to say
const NEAR_PX = 80; // to the end, so that what comes is followed

export class CallView {
  constructor(root, { api, callscribe, callId }) {
    this.api = api;
    this.callscribe = callscribe;
    this.call = new Call(callId);
    this.root = root;
    this.delays = []; // of the last finals, from their writing to this screen
    this.unread = 0;
    this.isFollowing = true;
    this.spokeAt = new Map(); // by party
    this.#build();
    this.conversation = new Conversation(this.parts.talk, this.call);
    this.strip = new Strip(this.parts.strip, (ms) => this.jump(ms));
    this.search = new Search(this.parts.search, this.parts.found, this.parts.talk, () => (this.isFollowing = false));
    callscribe.follow(callId, {
      entry: (entry) => this.#entry(entry),
      partial: (partial) => this.#partial(partial),
      refused: ({ message }) => setText(this.parts.empty, message),
    });
    this.scrolled = () => this.#scrolled();
    addEventListener("scroll", this.scrolled, { passive: true });
    this.ticking = setInterval(() => this.#tick(), 500);
  }

  close() {
    this.callscribe.unfollow(this.call.callId);
    removeEventListener("scroll", this.scrolled);
    clearInterval(this.ticking);
  }

  /** Show how the connection stands. */
  state({ name, seconds, why }) {
    const text = name === "waiting" ? `connection lost (${why}); again in ${Math.ceil(seconds)} s` : name;
    setText(this.parts.connection, text);
    this.parts.connection.dataset.state = name;
  }

  /** Go to what is said at `ms`. */
  jump(ms) {
    const node = this.conversation.at(ms);
    if (!node) return;
    this.isFollowing = false;
    this.strip.atMs = ms;
    this.strip.draw();
    node.scrollIntoView({ block: "center" });
    node.focus({ preventScroll: true });
  }

  /** Do what a key is for; returns whether it is for anything. */
  key({ key }) {
    const { search, jump } = this.parts;
    const keys = { "/": () => search.focus(), g: () => jump.focus(), c: () => this.copy(), l: () => this.toEnd(),
      j: () => this.#step(1), k: () => this.#step(-1) };
    keys[key]?.();
    return key in keys;
  }

  toEnd() {
    this.isFollowing = true;
    this.unread = 0;
    scrollTo({ top: document.documentElement.scrollHeight });
    this.#showUnread();
  }

  async copy() {
    const { copy } = await import("./export.js");
    this.#say(await copy(this.call));
  }

  async #download(format) {
    const { download } = await import("./export.js");
    this.#say(await download(this.api, this.call.callId, format));
  }

  #build() {
    const part = {};
    this.parts = part;
    const formats = FORMATS.map((format) => element("option", { value: format }, format.toUpperCase()));
    part.title = element("h1", {}, "Call");
    part.about = element("p", { class: "about" }, plain(this.call.callId));
    part.parties = element("ul", { class: "parties", "aria-label": "Parties" });
    part.search = element("input", { type: "search", placeholder: "Search", "aria-label": "Search in this call", title: "/" });
    part.found = element("output", { class: "found" });
    part.jump = element("input", {
      class: "jump", placeholder: "0:00", "aria-label": "Jump to a time", title: "g", size: 5,
      onkeydown: ({ key }) => key === "Enter" && moment(part.jump.value) !== null && this.jump(moment(part.jump.value)),
    });
    part.download = element(
      "select",
      { "aria-label": "Download the transcript", onchange: ({ target }) => (this.#download(target.value), (target.value = "")) },
      element("option", { value: "" }, "Download"), ...formats,
    );
    part.strip = element("canvas", {
      class: "strip", role: "slider", tabindex: 0, "aria-label": "Time", "aria-valuemin": 0, "aria-valuemax": 0, "aria-valuenow": 0,
    });
    part.after = element("section", { class: "after", hidden: true });
    part.talk = element("main", { class: "talk", id: "talk", tabindex: "-1", "aria-label": "Conversation" });
    part.empty = element("p", { class: "empty" }, "Nothing has been said yet.");
    part.aloud = element("div", { class: "unseen", "aria-live": "polite", "aria-relevant": "additions" });
    part.complete = element("span", { class: "complete" });
    part.delay = element("span", {});
    part.connection = element("span", { class: "connection", role: "status" }, "connecting");
    part.notice = element("span", { class: "notice", role: "status" });
    part.unread = element("button", { type: "button", class: "unread", hidden: true, onclick: () => this.toEnd() });
    this.root.replaceChildren(
      element("header", { class: "top" },
        element("div", { class: "bar" },
          element("a", { class: "back", href: "#", "aria-label": "All calls" }, "←"),
          element("div", { class: "names" }, part.title, part.about),
          part.parties,
          element("div", { class: "tools" }, part.search, part.found, part.jump,
            element("button", { type: "button", title: "c", onclick: () => this.copy() }, "Copy"), part.download),
        ),
        part.strip,
      ),
      part.after,
      part.talk,
      part.empty,
      part.aloud,
      part.unread,
      element("footer", { class: "bottom" }, part.complete, part.delay, part.notice, part.connection),
    );
  }

  #entry(entry) {
    const before = this.call.failure;
    const changed = this.call.after(entry);
    const { kind, body, at } = entry;
    if (changed !== "call") {
      const line = this.call.lines.get(changed);
      this.conversation.show(line);
      if (kind === "utterance") this.#final(line, at);
    } else if (kind === "leg.gap") {
      const seconds = ((body.end_ms - body.start_ms) / 1000).toFixed(1);
      this.conversation.note(`${seconds} s of ${this.call.party(body.leg)} missing: ${body.cause}`, body.start_ms, "gap");
    } else if (kind === "dtmf") {
      this.conversation.note(`${this.call.party(body.leg)} pressed ${body.digit}`, body.at_ms);
    } else if (kind === "session.waiting") {
      this.conversation.note(`all ${body.taken} sessions of Gladia's plan are in use: waiting for one`, 0);
    } else if (kind === "card") {
      import("./cards.js").then(({ show }) => show(this, body));
    } else if (this.call.failure !== before) {
      this.conversation.note(this.call.failure, this.call.lengthMs, "failed");
    }
    this.conversation.drop();
    this.#changed();
  }

  #partial(partial) {
    const line = this.call.say(partial);
    this.spokeAt.set(line.party, performance.now());
    this.conversation.drop();
    this.conversation.show(line);
    this.#changed();
  }

  #final(line, at) {
    this.delays.push(Date.now() - Date.parse(at));
    if (this.delays.length > 21) this.delays.shift();
    if (!this.isFollowing) this.unread += 1;
    this.parts.aloud.append(element("p", {}, `${line.party}: ${plain(line.text)}`));
    while (this.parts.aloud.childElementCount > READ_ALOUD) this.parts.aloud.firstChild.remove();
  }

  /** Draw once, however many messages came in one frame of the screen. */
  #changed() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.#head();
      this.#foot();
      this.strip.show(this.call);
      this.parts.empty.hidden = this.call.lines.size + this.call.partials.size > 0;
      if (this.isFollowing && !this.call.isSettled) scrollTo({ top: document.documentElement.scrollHeight });
      this.#showUnread();
    });
  }

  #head() {
    const { started, startedAt, ended } = this.call;
    if (started) {
      setText(this.parts.title, `${plain(started.from || "unknown")} → ${plain(started.to || "unknown")}`);
      const began = new Date(startedAt).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
      setText(this.parts.about, `${started.direction} · ${began} · ${clock(ended?.duration_ms ?? this.call.lengthMs)}${ended ? ` · ${ended.reason}` : ""}`);
    }
    const parties = this.call.parties;
    while (this.parts.parties.childElementCount < parties.length) {
      const number = this.parts.parties.childElementCount;
      this.parts.parties.append(element("li", { style: `--party: var(--party-${(number % 4) + 1})` }, plain(parties[number])));
    }
    if (this.call.analytics || this.call.summaries.size) this.#after();
    this.#tick();
  }

  async #after() {
    const { AfterCall } = await import("./after.js"); // most calls go on
    this.after ??= new AfterCall(this.parts.after, this);
    this.after.show(this.call);
  }

  #foot() {
    const { isComplete, gapMs, failure } = this.call;
    const lost = gapMs ? `${(gapMs / 1000).toFixed(1)} s of audio missing` : "";
    const text = failure ? "transcript not complete" : lost || (isComplete ? "all audio heard" : "nothing missing so far");
    setText(this.parts.complete, text);
    this.parts.complete.dataset.good = String(!failure && !lost);
    const sorted = this.delays.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    // Below zero, or hours: the two clocks differ by more than there is to measure.
    const isMeasured = median >= 0 && median < 60_000 && !this.call.isSettled;
    setText(this.parts.delay, isMeasured ? `shown ${(median / 1000).toFixed(2)} s after writing` : "");
  }

  /** Who speaks, which ends by nothing being said. */
  #tick() {
    for (const [number, node] of [...this.parts.parties.children].entries()) {
      const spoke = this.spokeAt.get(this.call.parties[number]) ?? -Infinity;
      node.classList.toggle("speaks", performance.now() - spoke < SPEAKS_MS);
    }
  }

  #scrolled() {
    const rest = document.documentElement.scrollHeight - innerHeight - scrollY;
    this.isFollowing = rest < NEAR_PX;
    if (this.isFollowing) this.unread = 0;
    this.#showUnread();
  }

  #showUnread() {
    this.parts.unread.hidden = this.unread === 0;
    setText(this.parts.unread, `↓ ${this.unread} new`);
  }

  #step(by) {
    const lines = [...this.parts.talk.querySelectorAll(".line")];
    const here = lines.indexOf(document.activeElement);
    const next = lines[Math.min(Math.max(0, here + by), lines.length - 1)];
    this.isFollowing = false;
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  #say(text) {
    setText(this.parts.notice, text);
    clearTimeout(this.noticed);
    this.noticed = setTimeout(() => setText(this.parts.notice, ""), 4000);
  }
}

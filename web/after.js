// What is known of a call once it is over: its chapters, who spoke when and how much. Fetched when there is any of it.

import { clock } from "./call.js";
import { element, plain, setText } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HALF] = [1000, 44]; // of the plot, and of each party's half
const FEELINGS = { positive: "good", negative: "bad" };

export class AfterCall {
  constructor(root, view) {
    this.root = root;
    this.view = view;
    document.head.append(element("link", { rel: "stylesheet", href: "after.css" }));
    this.summary = element("p", { class: "summary", dir: "auto" });
    this.chapters = element("ol", {});
    this.plot = element("div", { class: "plot" });
    this.figures = element("table", {});
    root.setAttribute("aria-label", "After the call");
    root.replaceChildren(
      this.summary,
      element("nav", { "aria-label": "Chapters" }, this.chapters),
      element("figure", {}, this.plot, this.figures),
    );
  }

  show(call) {
    this.root.hidden = false;
    if (this.shown === call.seq) return;
    this.shown = call.seq;
    this.summary.hidden = !call.summaries.size;
    setText(this.summary, [...call.summaries.values()].map(plain).join("\n"));
    this.chapters.replaceChildren(...(call.chapters ?? []).map((chapter) => element("li", {},
      element("a", { href: `#call=${call.callId}&t=${Math.floor(chapter.start_ms / 1000)}` },
        element("span", { class: "time" }, clock(chapter.start_ms)), ` ${plain(chapter.title)}`))));
    if (call.secondPass) this.#compare(call.secondPass);
    if (call.analytics) {
      this.plot.replaceChildren(this.#talk(call.analytics, call));
      this.figures.replaceChildren(...table(call.analytics));
    }
  }

  async #compare(secondPass) {
    const { Comparison } = await import("./compare.js");
    this.comparison ??= new Comparison(this.root, this.view);
    this.comparison.show(secondPass);
  }

  /** Talk over time: the first party's upwards, the others' downwards, darker where both speak. */
  #talk({ duration_ms: duration, step_ms: step, parties, over_time: steps }, call) {
    const x = (ms) => (ms / Math.max(1, duration)) * WIDTH;
    const shapes = steps.flatMap(([silence, overlap, talk], place) => {
      const from = place * step;
      const length = Math.min(step, duration - from);
      return [...talk, overlap].map((ms, number) => {
        const height = (ms / length) * HALF;
        const isOverlap = number === talk.length;
        return shape("rect", {
          x: x(from), width: Math.max(1, x(length) - 1), height: isOverlap ? 2 * height : height,
          y: isOverlap ? HALF - height : number ? HALF : HALF - height,
          class: isOverlap ? "overlap" : "", style: `--party: var(--party-${(number % 4) + 1})`,
        });
      });
    });
    const feelings = [...call.lines.values()].flatMap(({ startMs, marks }) => marks
      .filter(({ kind }) => kind === "sentiment").flatMap(({ body }) => body.sentiments)
      .filter(({ sentiment }) => sentiment in FEELINGS)
      .map(({ sentiment }) => shape("circle", { cx: x(startMs), cy: 2 * HALF + 8, r: 4, class: FEELINGS[sentiment] })));
    const said = parties.map(({ party, talk_share: share }) => `${plain(party)} ${percent(share)}`).join(", ");
    const plot = shape("svg", { viewBox: `0 0 ${WIDTH} ${2 * HALF + 14}`, preserveAspectRatio: "none", role: "img",
      "aria-label": `Talk over time: ${said}` }, ...shapes, ...feelings);
    plot.addEventListener("click", ({ clientX }) => {
      const { left, width } = plot.getBoundingClientRect();
      this.view.jump(((clientX - left) / width) * duration);
    });
    return plot;
  }
}

function table({ parties, silence_ms: silence, overlap_ms: overlap, longest_silence_ms: longest, duration_ms: duration }) {
  const rows = {
    "share of talk": ({ talk_share: share, talk_ms: ms }) => `${percent(share)} · ${clock(ms)}`,
    "words a minute": ({ words_per_minute: pace }) => String(Math.round(pace)),
    "longest monologue": ({ longest_monologue_ms: ms }) => clock(ms),
    interruptions: ({ interruptions }) => String(interruptions),
    "answers after": ({ response_ms: ms }) => (ms === null ? "-" : `${(ms / 1000).toFixed(1)} s`),
  };
  const caption = element("caption", {});
  const of = (ms) => percent(ms / Math.max(1, duration));
  setText(caption, `silence ${of(silence)}, ${clock(longest)} at a time; both speaking ${of(overlap)}`);
  return [
    caption,
    element("thead", {}, element("tr", {}, element("td", {}), ...parties.map(({ party }) => element("th", { scope: "col" }, plain(party))))),
    element("tbody", {}, ...Object.entries(rows).map(([name, text]) => element("tr", {},
      element("th", { scope: "row" }, name), ...parties.map((party) => element("td", {}, text(party)))))),
  ];
}

function shape(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function percent(share) {
  return `${Math.round(100 * share)} %`;
}

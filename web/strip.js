// A strip of talk and silence: a lane a party, along the whole call. It can be pointed at, and steered by keys.

import { clock } from "./call.js";

const LANE = 14;
const GAP = 4;
const STEP_MS = 5000;

export class Strip {
  constructor(canvas, jump) {
    this.canvas = canvas;
    this.call = null;
    this.atMs = 0;
    this.isDue = false;
    const msAt = (event) => Math.max(0, (event.offsetX / canvas.clientWidth) * this.lengthMs);
    const go = (ms) => jump(this.#place(ms));
    canvas.addEventListener("pointerdown", (event) => (canvas.setPointerCapture(event.pointerId), go(msAt(event))));
    canvas.addEventListener("pointermove", (event) => event.buttons && go(msAt(event)));
    canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -STEP_MS, ArrowRight: STEP_MS, PageUp: -60_000, PageDown: 60_000, Home: -Infinity, End: Infinity };
      if (!(event.key in steps)) return;
      event.preventDefault();
      go(this.atMs + steps[event.key]);
    });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  get lengthMs() {
    return Math.max(this.call?.lengthMs ?? 1, 30_000);
  }

  show(call) {
    this.call = call;
    this.draw();
  }

  /** Draw with the next frame, however often it is asked for. */
  draw() {
    if (this.isDue || !this.call) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.#draw();
    });
  }

  #place(ms) {
    this.atMs = Math.min(Math.max(0, ms), this.call?.lengthMs ?? 0);
    this.canvas.setAttribute("aria-valuenow", String(Math.round(this.atMs / 1000)));
    this.canvas.setAttribute("aria-valuetext", clock(this.atMs));
    this.draw();
    return this.atMs;
  }

  #draw() {
    const { canvas, call } = this;
    const parties = call.parties;
    const [width, height] = [canvas.clientWidth, Math.max(1, parties.length) * (LANE + GAP) - GAP];
    const ratio = devicePixelRatio;
    if (canvas.width !== width * ratio || canvas.height !== height * ratio) {
      [canvas.width, canvas.height] = [width * ratio, height * ratio];
      canvas.style.height = `${height}px`;
    }
    canvas.setAttribute("aria-valuemax", String(Math.round(call.lengthMs / 1000)));
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const colour = (name) => {
      canvas.style.color = `var(${name})`; // resolves light-dark()
      return getComputedStyle(canvas).color;
    };
    const x = (ms) => (ms / this.lengthMs) * width;
    const lane = new Map(parties.map((party, number) => [party, number * (LANE + GAP)]));
    const colours = new Map(parties.map((party, number) => [party, colour(`--party-${(number % 4) + 1}`)]));
    pen.fillStyle = colour("--lane");
    for (const top of lane.values()) {
      pen.fillRect(0, top, width, LANE);
    }
    for (const line of [...call.lines.values(), ...call.partials.values()]) {
      const top = lane.get(line.party);
      if (top === undefined) continue;
      pen.fillStyle = colours.get(line.party);
      pen.globalAlpha = line.isFinal ? 1 : 0.5;
      pen.fillRect(x(line.startMs), top, Math.max(1.5, x(line.endMs - line.startMs)), LANE);
    }
    pen.globalAlpha = 1;
    pen.fillStyle = colour("--bad");
    for (const { party, gaps } of call.legs.values()) {
      for (const gap of gaps) pen.fillRect(x(gap.startMs), lane.get(party) + LANE - 3, Math.max(2, x(gap.endMs - gap.startMs)), 3);
    }
    pen.fillStyle = colour("--ink");
    pen.fillRect(Math.min(x(this.atMs), width - 1), 0, 1, height);
  }
}

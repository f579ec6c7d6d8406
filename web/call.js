// A call as its log tells it, folded entry by entry. No DOM, no clock.

const COMPLETE_ANYWAY = "the track began late"; // before a track's first frame nobody was on the line

export class Call {
  constructor(callId) {
    this.callId = callId;
    this.seq = 0;
    this.started = null;
    this.startedAt = null;
    this.ended = null;
    this.failure = null;
    this.summaries = new Map(); // by session
    this.legs = new Map(); // by name: { party, track, ledger, gaps }
    this.lines = new Map(); // finals by id
    this.partials = new Map(); // by leg
  }

  /** Take the next entry; returns what changed: a line's id, or "call". */
  after({ seq, kind, at, body }) {
    this.seq = seq;
    switch (kind) {
      case "call.started":
        this.started = body;
        this.startedAt = at;
        break;
      case "call.ended":
        this.ended = body;
        break;
      case "call.failed":
        this.failure = body.reason;
        break;
      case "batch.wanted":
        this.failure = `no live words: ${body.reason}; to be transcribed from the recording`;
        break;
      case "leg.started":
        this.legs.set(body.leg, { party: body.party, track: body.track, ledger: null, gaps: this.#gapsOf(body.leg) });
        break;
      case "leg.gap":
        this.#gapsOf(body.leg).push({ startMs: body.start_ms, endMs: body.end_ms, cause: body.cause });
        break;
      case "leg.ended":
        if (this.legs.has(body.leg)) this.legs.get(body.leg).ledger = body.ledger;
        // What is left then are sounds in which no words were found in the end.
        this.partials.delete(body.leg);
        break;
      case "summary":
        this.summaries.set(body.session, body.text);
        break;
      case "chapters":
        this.chapters = body.chapters;
        break;
      case "batch.ready":
        this.secondPass = body;
        break;
      case "analytics":
        this.analytics = body;
        break;
      case "utterance":
        return this.#utterance(body);
      case "entities":
      case "sentiment":
      case "translation": {
        const line = this.lines.get(body.utterance ?? body.id);
        line?.marks.push({ kind, body });
        return line?.id ?? "call";
      }
      default:
        break;
    }
    return "call";
  }

  /** Take what is being said; returns the line, which may grow. */
  say({ leg, party, id, text, start_ms: startMs, end_ms: endMs }) {
    const line = { id, leg, party, text, startMs, endMs, isFinal: false, marks: [] };
    this.partials.set(leg, line);
    return line;
  }

  /** Who speaks on a leg; the leg's own name if the log has not said. */
  party(leg) {
    return this.legs.get(leg)?.party ?? leg;
  }

  get parties() {
    return [...new Set([...this.legs.values()].map(({ party }) => party))];
  }

  get gapMs() {
    const gaps = [...this.legs.values()].flatMap((leg) => leg.gaps);
    return gaps.filter(({ cause }) => cause !== COMPLETE_ANYWAY).reduce((sum, gap) => sum + gap.endMs - gap.startMs, 0);
  }

  /** Whether nothing will follow. */
  get isSettled() {
    const legs = [...this.legs.values()];
    if (!this.ended || legs.some(({ ledger }) => !ledger)) return false;
    return legs.length > 0 || this.failure !== null || this.ended.reason !== "completed";
  }

  /** Whether all that was said was heard: null while that is not known. */
  get isComplete() {
    const legs = [...this.legs.values()];
    if (this.failure || this.gapMs) return false;
    if (!legs.length || legs.some(({ ledger }) => !ledger)) return null;
    return legs.every(({ ledger }) => ledger.unsent === 0 && ledger.acknowledged === ledger.sent);
  }

  /** How far the conversation goes, in ms since the call's first frame. */
  get lengthMs() {
    const ends = [...this.lines.values(), ...this.partials.values()].map(({ endMs }) => endMs);
    return Math.max(this.ended?.duration_ms ?? 0, ...ends, 1);
  }

  #gapsOf(leg) {
    if (!this.legs.has(leg)) this.legs.set(leg, { party: leg, track: "", ledger: null, gaps: [] });
    return this.legs.get(leg).gaps;
  }

  #utterance({ leg, id, text, words, start_ms: startMs, end_ms: endMs }) {
    if (this.partials.get(leg)?.id === id) this.partials.delete(leg);
    this.lines.set(id, { id, leg, party: this.party(leg), text, words, startMs, endMs, isFinal: true, marks: [] });
    return id;
  }
}

/** A time of the call as people write it: 1:04, or 1:02:04. */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = String(seconds % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** The time that `text` writes, in ms; null if it writes none. */
export function moment(text) {
  const parts = /^(?:(\d+):)?(\d{1,3}):(\d{1,2})$|^(\d+)$/.exec(text.trim());
  if (!parts) return null;
  const [, hours = 0, minutes = 0, seconds = 0, only = 0] = parts;
  return 1000 * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(only));
}

// Follow phone calls from a browser: every entry of a call's log in order, none missing and none twice, partials in
// between, whatever becomes of the connection.
//
//   const callscribe = new Callscribe({ ticket: () => fetch("/my/ticket").then((answer) => answer.json()) });
//   callscribe.follow("CA…", { entry: ({ kind, body }) => …, partial: ({ party, text }) => … });
//
// `ticket` gives what `POST /v1/tickets` answers, anew for each connection; your own server, which has the API key, asks
// for it. The same rules are in `callscribe/client/link.py`; both are told the same stories by the tests.

/**
 * @typedef {{ type: "entry", call_id: string, seq: number, kind: string, at: string, body: any }} Entry
 * @typedef {{ type: "partial", call_id: string, leg: string, party: string, id: string, text: string,
 *   start_ms: number, end_ms: number, after: number }} Partial
 * @typedef {{ type: "call", call_id: string, seq: number, kind: string, at: string, body: any }} CallTold
 * @typedef {{ code: string, message: string }} Refusal
 * @typedef {{ url: string, expires_at: string }} Leave
 * @typedef {{ entry?: (entry: Entry) => void, partial?: (partial: Partial) => void, refused?: (why: Refusal) => void,
 *   live?: () => void }} CallHandlers
 * @typedef {{ call?: (call: CallTold) => void, watching?: () => void, refused?: (why: Refusal) => void }} WatchHandlers
 * @typedef {{ name: "connecting" | "live" | "waiting" | "closed", seconds?: number, why?: string }} State
 */

// API Gateway ends a connection after ten idle minutes, and after two hours anyway.
const PING_S = 60;
const WATCH = { action: "subscribe", tenant: true };
const PONG_S = 15;
const RENEW_S = 110 * 60;
// A ticket that expires ends what it was for; another one is fetched this much earlier.
const EXPIRY_MARGIN_S = 30;
const REPLAY_S = 15; // a replay that has not come to its end by then is asked for again
const AGAIN_S = 1; // after the service could not read the call
const FIRST_RETRY_S = 0.5;
const LAST_RETRY_S = 30;
// Partials may come after the utterance that ends them; so many utterances are remembered.
const SETTLED = 64;

const earliest = (times) => {
  const set = times.filter((time) => time !== null);
  return set.length ? Math.min(...set) : null;
};

/** What a client follows, across connections: what to send, what was seen. No socket, no clock; seconds. */
export class Link {
  /** @param {() => number} jitter returns 0 to 1, so that clients cut off together don't return together */
  constructor(jitter = Math.random) {
    this.jitter = jitter;
    this.calls = new Map();
    this.watches = false;
    this.isOpen = false;
    this.pingAt = this.pongBy = this.renewAt = null;
    this.failures = 0; // connections in a row on which nothing came
    this.malformed = 0;
  }

  /** When to call `wake`; null while there is nothing to wait for. */
  get deadline() {
    if (!this.isOpen) return null;
    const calls = [...this.calls.values()].flatMap((call) => [call.replayBy, call.againAt]);
    return earliest([this.pingAt, this.pongBy, this.renewAt, ...calls]);
  }

  /** Whether this connection has to give way to another: it is old, or nobody answers on it. */
  isSpent(now) {
    const end = earliest([this.pongBy, this.renewAt]);
    return end !== null && now >= end;
  }

  follow(callId, after = 0, now = 0) {
    const call = { seen: after, early: new Map(), replayBy: null, againAt: null, settled: new Set() };
    this.calls.set(callId, call);
    return this.isOpen ? [this.#subscribe(callId, call, now)] : [];
  }

  unfollow(callId) {
    this.calls.delete(callId);
    return this.isOpen ? [{ action: "unsubscribe", call_id: callId }] : [];
  }

  watch() {
    this.watches = true;
    return this.isOpen ? [WATCH] : [];
  }

  /** A connection is open, with a ticket for `lastsS`. */
  opened(now, lastsS) {
    this.isOpen = true;
    this.pingAt = now + PING_S;
    this.pongBy = null;
    this.renewAt = now + Math.min(RENEW_S * (1 - 0.05 * this.jitter()), Math.max(lastsS - EXPIRY_MARGIN_S, 1));
    const subscribed = [...this.calls].map(([callId, call]) => this.#subscribe(callId, call, now));
    return this.watches ? [...subscribed, WATCH] : subscribed;
  }

  /** Take what the service sent: what is not known here is passed over, what makes no sense is counted. */
  received(frame, now) {
    this.failures = 0;
    const said = { send: [], seen: [] };
    for (const line of frame.split("\n")) {
      let message = null;
      try {
        message = JSON.parse(line);
      } catch {
        // counted below
      }
      if (!this.#take(message, said, now)) this.malformed += 1;
    }
    return said;
  }

  /** What to send at `deadline`; nothing if the connection is spent. */
  wake(now) {
    if (this.isSpent(now)) return [];
    const send = [];
    const pings = this.pingAt !== null && now >= this.pingAt;
    if (pings) {
      this.pingAt = null;
      this.pongBy = now + PONG_S;
      send.push({ action: "ping" }, ...(this.watches ? [WATCH] : []));
    }
    for (const [callId, call] of this.calls) {
      const due = earliest([call.replayBy, call.againAt]);
      // After the last entry no hole shows whether it came.
      if (pings || (due !== null && now >= due)) send.push(this.#replay(callId, call, now));
    }
    return send;
  }

  /** The connection is over, or could not be had; returns how many seconds later to open another. */
  lost() {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.pingAt = this.pongBy = this.renewAt = null;
    for (const call of this.calls.values()) call.replayBy = call.againAt = null;
    if (wasOpen && !this.failures) {
      this.failures = 1;
      return FIRST_RETRY_S * this.jitter();
    }
    const longest = Math.min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** Math.min(this.failures, 16));
    this.failures += 1;
    return longest * (0.5 + 0.5 * this.jitter());
  }

  #subscribe(callId, call, now) {
    call.replayBy = now + REPLAY_S;
    call.againAt = null;
    return { action: "subscribe", call_id: callId, ...(call.seen && { after: call.seen }) };
  }

  #replay(callId, call, now) {
    call.replayBy = now + REPLAY_S;
    call.againAt = null;
    return { action: "replay", call_id: callId, after: call.seen };
  }

  /** Returns whether the message makes sense, or may to a later version. */
  #take(message, said, now) {
    if (message === null || typeof message !== "object") return false;
    const call = this.calls.get(message.call_id);
    switch (message.type) {
      case "entry":
        if (!Number.isInteger(message.seq) || typeof message.kind !== "string" || !isObject(message.body)) return false;
        if (call) this.#entry(message, call, said, now);
        return true;
      case "partial":
        if (typeof message.text !== "string" || typeof message.id !== "string") return false;
        if (call && !call.settled.has(message.id)) said.seen.push(message);
        return true;
      case "replayed":
        if (call) this.#replayed(message, call, said, now);
        return true;
      case "call":
        if (typeof message.call_id !== "string" || typeof message.kind !== "string") return false;
        said.seen.push(message);
        return true;
      case "watching":
        said.seen.push(message);
        return true;
      case "pong":
        this.pingAt = now + PING_S;
        this.pongBy = null;
        return true;
      case "error":
        this.#error(message, call, said, now);
        return true;
      default:
        return true;
    }
  }

  #entry(entry, call, said, now) {
    if (entry.seq > call.seen) call.early.set(entry.seq, entry);
    for (let next; (next = call.early.get(call.seen + 1)); ) {
      call.seen += 1;
      call.early.delete(call.seen);
      if (next.kind === "utterance") settle(call, next.body.id);
      said.seen.push(next);
    }
    if (call.early.size && call.replayBy === null && call.againAt === null) {
      said.send.push(this.#replay(entry.call_id, call, now));
    }
  }

  #replayed({ call_id: callId, through, more }, call, said, now) {
    call.replayBy = null;
    if (more || (call.early.size && through > call.seen)) said.send.push(this.#replay(callId, call, now));
    // Else the service read the log before the entry that is missing was there.
    else if (call.early.size) call.againAt = now + AGAIN_S;
  }

  #error(error, call, said, now) {
    if (error.code === "expired") {
      this.renewAt = now;
    } else if (error.code === "unavailable") {
      if (call) [call.replayBy, call.againAt] = [null, now + AGAIN_S];
    } else {
      if (error.call_id) this.calls.delete(error.call_id);
      said.seen.push(error);
    }
  }
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function settle(call, id) {
  call.settled.add(id);
  if (call.settled.size > SETTLED) call.settled.delete(call.settled.values().next().value);
}

/** One connection to the push service for all that a page follows. */
export class Callscribe {
  /** @param {{ ticket: () => Promise<Leave>, state?: (state: State) => void }} options */
  constructor({ ticket, state = () => {} }) {
    this.ticket = ticket;
    this.tell = state;
    this.link = new Link();
    this.handlers = new Map();
    this.watchHandlers = null;
    this.socket = null;
    this.timer = null;
    this.isClosed = false;
    this.isConnecting = false;
    this.wakeUp = () => this.#hurry();
    // After sleep, or without a network: try at once.
    globalThis.addEventListener?.("online", this.wakeUp);
    globalThis.document?.addEventListener("visibilitychange", this.wakeUp);
  }

  /** Follow a call from entry `after + 1` on. @param {string} callId @param {CallHandlers} handlers */
  follow(callId, handlers, after = 0) {
    this.handlers.set(callId, handlers);
    this.#send(this.link.follow(callId, after, now()));
    this.#connect();
  }

  unfollow(callId) {
    this.handlers.delete(callId);
    this.#send(this.link.unfollow(callId));
  }

  /** Be told of all calls; after each `watching` list those in progress. @param {WatchHandlers} handlers */
  watch(handlers) {
    this.watchHandlers = handlers;
    this.#send(this.link.watch());
    this.#connect();
  }

  /** End it all. */
  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    globalThis.removeEventListener?.("online", this.wakeUp);
    globalThis.document?.removeEventListener("visibilitychange", this.wakeUp);
    this.#drop();
    this.tell({ name: "closed" });
  }

  async #connect() {
    if (this.isClosed || this.isConnecting || this.socket) return;
    this.isConnecting = true;
    this.tell({ name: "connecting" });
    let leave = null;
    let why = "the connection was lost";
    try {
      leave = await this.ticket();
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    this.isConnecting = false;
    if (this.isClosed) return;
    if (leave === null) {
      this.#retry(why);
      return;
    }
    const lasts = (Date.parse(leave.expires_at) - Date.now()) / 1000;
    const socket = new WebSocket(leave.url);
    this.socket = socket;
    socket.onopen = () => {
      this.tell({ name: "live" });
      this.#send(this.link.opened(now(), lasts));
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    // Why a handshake failed, browsers do not tell.
    socket.onclose = () => socket === this.socket && this.#retry(why);
  }

  #receive(data) {
    const { send, seen } = this.link.received(data, now());
    this.#send(send);
    for (const each of seen) this.#show(each);
  }

  #show(each) {
    const handlers = this.handlers.get(each.call_id);
    switch (each.type) {
      case "entry":
        return handlers?.entry?.(each);
      case "partial":
        return handlers?.partial?.(each);
      case "call":
        return this.watchHandlers?.call?.(each);
      case "watching":
        return this.watchHandlers?.watching?.();
      default:
        return (each.call_id ? handlers : this.watchHandlers)?.refused?.(each);
    }
  }

  #send(actions) {
    for (const action of actions) this.socket?.send(JSON.stringify(action));
    this.#wait();
  }

  /** Sleep until the link wants something. */
  #wait() {
    clearTimeout(this.timer);
    if (this.link.deadline === null) return;
    this.timer = setTimeout(() => this.#wake(), Math.max(0, (this.link.deadline - now()) * 1000));
  }

  #wake() {
    if (this.link.isSpent(now())) {
      this.#drop();
      this.link.lost();
      this.#connect();
    } else {
      this.#send(this.link.wake(now()));
    }
  }

  #retry(why) {
    this.socket = null;
    clearTimeout(this.timer);
    const seconds = this.link.lost();
    this.tell({ name: "waiting", seconds, why });
    this.timer = setTimeout(() => this.#connect(), seconds * 1000);
  }

  #hurry() {
    if (globalThis.document?.hidden || this.isClosed) return;
    if (this.socket) {
      this.#wake();
    } else {
      clearTimeout(this.timer);
      this.#connect();
    }
  }

  #drop() {
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
  }
}

const now = () => performance.now() / 1000;

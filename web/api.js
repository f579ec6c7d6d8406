// The HTTP API, as the page asks it: with the key of `config.json`, or one that somebody typed in for this tab.

const KEPT = "callscribe-key";

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export class Api {
  constructor({ api, key }) {
    this.url = api.replace(/\/$/, "");
    this.key = key || sessionStorage.getItem(KEPT) || "";
    this.skewMs = 0; // of this machine's clock against the service's
  }

  /** Whether there is a key to ask with. */
  get isKnown() {
    return this.key !== "";
  }

  /** Ask with this key from now on; kept for this tab alone. */
  use(key) {
    this.key = key.trim();
    sessionStorage.setItem(KEPT, this.key);
  }

  forget() {
    this.key = "";
    sessionStorage.removeItem(KEPT);
  }

  /** Calls, newest first: `{ calls, next }`. */
  calls(query) {
    return this.#json("GET", `/v1/calls?${new URLSearchParams(query)}`);
  }

  /** A page of calls that are over, by what was said; `over` tells whether the search is. */
  search(query) {
    return this.#json("GET", `/v1/search?${new URLSearchParams(query)}`);
  }

  /** What a call's recording says, and where the live words differ. */
  secondPass(callId) {
    return this.#json("GET", `/v1/calls/${encodeURIComponent(callId)}/second-pass`);
  }

  /** Leave to connect to the push service once. */
  ticket(calls) {
    return this.#json("POST", "/v1/tickets", calls ? { calls } : {});
  }

  /** A transcript as text. */
  async transcript(callId, format) {
    const answer = await this.#ask("GET", `/v1/calls/${encodeURIComponent(callId)}/transcript?format=${format}`);
    return answer.text();
  }

  async #json(method, path, body) {
    return (await this.#ask(method, path, body)).json();
  }

  async #ask(method, path, body) {
    const headers = { authorization: `Bearer ${this.key}`, ...(body && { "content-type": "application/json" }) };
    let answer;
    try {
      answer = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
    } catch {
      throw new Problem(0, "the HTTP API can't be reached");
    }
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    throw new Problem(answer.status, problem.detail ?? `the HTTP API answered ${answer.status}`);
  }
}

/** The page's configuration, which stands beside it. */
export async function configured() {
  const answer = await fetch("config.json", { cache: "no-store" });
  if (!answer.ok) throw new Problem(answer.status, "config.json is missing: it says where the HTTP API is");
  return new Api(await answer.json());
}

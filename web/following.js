// Follows one call over the push service: entries in order, none missing and none twice, partials in between.

const RETRY_MS = 1000;

/**
 * @param {{push: string, ticket: string, call: string}} where
 * @param {{entry: (entry: object) => void, partial: (partial: object) => void, state: (text: string) => void}} show
 */
export function follow(where, show) {
  let seen = 0;
  let replaying = false;
  /** @type {Map<number, object>} */
  const early = new Map();

  const connect = () => {
    const socket = new WebSocket(`${where.push}?ticket=${encodeURIComponent(where.ticket)}`);
    const ask = (action) => {
      replaying = true;
      socket.send(JSON.stringify({ action, call_id: where.call, after: seen }));
    };
    socket.onopen = () => {
      show.state("live");
      ask("subscribe");
    };
    socket.onmessage = ({ data }) => {
      for (const line of data.split("\n")) take(JSON.parse(line));
      if (early.size && !replaying) ask("replay");
    };
    // Why a handshake failed, browsers do not tell; a ticket that has expired looks like a network that is away.
    socket.onclose = () => {
      show.state("connection lost, trying again");
      setTimeout(connect, RETRY_MS);
    };
  };

  const take = (message) => {
    if (message.type === "partial") show.partial(message);
    if (message.type === "replayed") replaying = false;
    if (message.type === "error") show.state(message.message);
    if (message.type !== "entry" || message.seq <= seen) return;
    early.set(message.seq, message);
    while (early.has(seen + 1)) {
      seen += 1;
      show.entry(early.get(seen));
      early.delete(seen);
    }
  };

  connect();
}

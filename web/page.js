// Shows one call. What is said is data: it only ever becomes text, never markup.

import { Callscribe } from "./callscribe.js";

const HUES = [200, 320, 130, 40];
const said = document.getElementById("said");
const saying = document.getElementById("saying");
const state = document.getElementById("state");
const parties = new Map(); // leg to party
const partials = new Map(); // leg to the line that grows

const where = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
document.getElementById("call").textContent = where.call ? `${where.call.slice(0, 10)}…` : "none";

const clock = (ms) => `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;
const hue = (party) => HUES[[...new Set(parties.values())].indexOf(party) % HUES.length];

function line(party, ms, text, kind) {
  const item = document.createElement("li");
  item.className = kind;
  item.style.setProperty("--hue", hue(party));
  for (const [tag, name, content] of [["time", "", clock(ms)], ["span", "party", party], ["span", "text", text]]) {
    const part = document.createElement(tag);
    part.className = name;
    part.textContent = content;
    item.append(part);
  }
  return item;
}

function note(text, kind = "") {
  const item = document.createElement("li");
  item.className = `note ${kind}`;
  item.textContent = text;
  said.append(item);
}

function place(item, startMs) {
  // Finals come as they are completed; two parties who talk at once are put in the order in which they spoke.
  item.dataset.start = startMs;
  const later = [...said.children].reverse().findIndex((each) => !(Number(each.dataset.start) > startMs));
  said.insertBefore(item, later <= 0 ? null : said.children[said.children.length - later]);
}

const entries = {
  "call.started": ({ direction }) => note(`${direction} call`),
  "leg.started": ({ leg, party }) => parties.set(leg, party),
  "utterance": ({ leg, id, start_ms, text }) => {
    if (partials.get(leg)?.dataset.id === id) {
      partials.get(leg).remove();
      partials.delete(leg);
    }
    place(line(parties.get(leg) ?? leg, start_ms, text, "final"), start_ms);
  },
  // What is left then are sounds in which no words were found in the end.
  "leg.ended": ({ leg }) => partials.get(leg)?.remove(),
  "leg.gap": ({ start_ms, end_ms, cause }) => note(`${clock(start_ms)} to ${clock(end_ms)}: ${cause}`),
  "session.waiting": ({ taken }) => note(`all ${taken} sessions of Gladia's plan are in use: waiting`),
  "batch.wanted": ({ reason }) => note(`no live words: ${reason}; to be transcribed from the recording`, "failed"),
  "call.failed": ({ reason }) => note(`no more live words: ${reason}`, "failed"),
  "call.ended": ({ reason }) => {
    note(`the call is over (${reason})`);
    state.textContent = "ended";
  },
};

function partial({ leg, party, id, start_ms, text }) {
  partials.get(leg)?.remove();
  const item = line(party, start_ms, text, "partial");
  item.dataset.id = id;
  partials.set(leg, item);
  saying.append(item);
  item.scrollIntoView({ block: "nearest" });
}

async function begin() {
  if (!where.call) {
    state.textContent = "the address names no call: take it from `callscribe call`";
    return;
  }
  const { api, key } = await (await fetch("config.json")).json();
  const ticket = async () => {
    const answer = await fetch(`${api}/v1/tickets`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ calls: [where.call] }),
    });
    if (!answer.ok) throw new Error(`no ticket (${answer.status})`);
    return answer.json();
  };
  const names = { connecting: "connecting", live: "live", waiting: "connection lost, trying again", closed: "closed" };
  const callscribe = new Callscribe({ ticket, state: ({ name }) => (state.textContent = names[name]) });
  callscribe.follow(where.call, { entry: ({ kind, body }) => entries[kind]?.(body), partial });
}

begin();

// The page: which view the address asks for, the key that it needs, theme and keys.

import { configured } from "./api.js";
import { CallView } from "./call-view.js";
import { Callscribe } from "./callscribe.js";
import { element } from "./dom.js";
import { ListView } from "./list-view.js";

const THEME = "callscribe-theme";
const HELP = {
  "/": "search", "j, k": "next, previous", g: "jump to a time", l: "to what is said now", c: "copy",
  t: "light or dark", Esc: "back to all calls", "?": "these keys",
};

const root = document.getElementById("view");
const help = document.getElementById("help");
let api = null;
let shown = null;

function where() {
  const asked = new URLSearchParams(location.hash.slice(1));
  return { callId: asked.get("call"), find: asked.get("find"), seconds: Number(asked.get("t") ?? NaN) };
}

async function show() {
  const { callId, find, seconds } = where();
  if (shown?.callId === callId && shown.find === find && shown.view) {
    if (!Number.isNaN(seconds)) shown.view.jump?.(seconds * 1000);
    return;
  }
  shown?.view?.close();
  shown?.callscribe?.close();
  if (!api.isKnown) {
    shown = { callId };
    askForKey();
    return;
  }
  if (find !== null) {
    shown = { callId, find };
    const { FindView } = await import("./find.js");
    if (where().find === find) shown.view = new FindView(root, { api, query: find });
    return;
  }
  let view = null;
  const callscribe = new Callscribe({ ticket: () => ticket(callId), state: (each) => view?.state(each) });
  view = callId ? new CallView(root, { api, callscribe, callId }) : new ListView(root, { api, callscribe });
  shown = { callId, find, view, callscribe };
  document.title = callId ? `${callId.slice(0, 10)}… · callscribe` : "callscribe";
  if (!Number.isNaN(seconds)) setTimeout(() => view.jump?.(seconds * 1000), 1000);
}

async function ticket(callId) {
  try {
    return await api.ticket(callId ? [callId] : null);
  } catch (error) {
    if (error.status === 401) {
      api.forget();
      shown?.callscribe.close();
      askForKey(error.message);
    }
    throw error;
  }
}

async function askForKey(why = "") {
  const { ask } = await import("./key.js");
  ask(root, why, (key) => {
    api.use(key);
    shown = null;
    show();
  });
}

function changeTheme() {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (isDark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem(THEME, next);
  dispatchEvent(new Event("resize"));
}

function typed(event) {
  const isTyping = event.target.closest?.("input, select, textarea, dialog");
  if (event.ctrlKey || event.metaKey || event.altKey || (isTyping && event.key !== "Escape")) return;
  if (event.key === "?") help.showModal();
  else if (event.key === "t") changeTheme();
  else if (event.key === "Escape" && !isTyping && location.hash) location.hash = "";
  else if (!shown?.view?.key(event)) return;
  event.preventDefault();
}

async function begin() {
  const kept = localStorage.getItem(THEME);
  if (kept) document.documentElement.dataset.theme = kept;
  help.prepend(element("dl", {}, ...Object.entries(HELP).flatMap(([key, does]) => [element("dt", {}, key), element("dd", {}, does)])));
  document.getElementById("theme").addEventListener("click", changeTheme);
  document.getElementById("keys").addEventListener("click", () => help.showModal());
  addEventListener("keydown", typed);
  addEventListener("hashchange", show);
  try {
    api = await configured();
    show();
  } catch (error) {
    root.replaceChildren(element("main", { class: "key" }, element("p", { class: "failed", role: "alert" }, error.message)));
  }
}

begin();

// What can be taken from a call: its lines into the clipboard, its transcript as a file. Fetched when somebody asks.

import { clock } from "./call.js";
import { element, plain } from "./dom.js";

/** How the HTTP API writes a transcript, and how such a file's name ends. */
export const SUFFIXES = { text: "txt", vtt: "vtt", srt: "srt", csv: "csv", json: "json" };

/** Copy all lines; returns what to tell of that. */
export async function copy(call) {
  const lines = [...call.lines.values()].sort((a, b) => a.startMs - b.startMs);
  const text = lines.map((line) => `[${clock(line.startMs)}] ${line.party}: ${plain(line.text)}\n`).join("");
  await navigator.clipboard.writeText(text);
  return `${lines.length} lines copied`;
}

/** Download the transcript; returns what to tell of that. */
export async function download(api, callId, format) {
  try {
    const text = await api.transcript(callId, format);
    const url = URL.createObjectURL(new Blob([text]));
    element("a", { href: url, download: `${callId}.${SUFFIXES[format]}` }).click();
    URL.revokeObjectURL(url);
    return "";
  } catch (error) {
    return error.message;
  }
}

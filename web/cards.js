// Cards that a customer's hooks answer with, each below the words that it is about. Fetched when there is one.

import { element, plain } from "./dom.js";

document.head.append(element("link", { rel: "stylesheet", href: "cards.css" }));

/** Show a card in a call's view: at its line, or where the conversation is now if that line is not there. */
export function show({ conversation, call, parts }, { hook, utterance, title, text, link }) {
  const heading = link
    ? element("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, plain(title))
    : plain(title);
  const node = element("aside", { class: "card", "aria-label": plain(hook) },
    element("span", { class: "hook" }, plain(hook)), element("strong", {}, heading), element("p", { dir: "auto" }, text));
  const line = conversation.rows.get(utterance)?.node;
  if (line) line.append(node);
  else conversation.put(node, call.lengthMs);
  parts.aloud.append(element("p", {}, `${plain(hook)}: ${plain(title)}`));
}

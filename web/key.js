// Asks for an API key. Fetched where the page has none, or a wrong one.

import { element } from "./dom.js";

document.head.append(element("link", { rel: "stylesheet", href: "key.css" }));

/** Show a form in place of all else, with `why` it is asked; `use` is told the key. */
export function ask(root, why, use) {
  const input = element("input", { type: "password", name: "key", required: true, autocomplete: "off", placeholder: "cs_…" });
  const enter = (event) => {
    event.preventDefault();
    use(input.value);
  };
  const told = element("p", { class: "failed", role: "alert" }, why);
  root.replaceChildren(element("main", { class: "key" }, element("h1", {}, "callscribe"),
    element("form", { onsubmit: enter }, element("label", {}, "API key", input), told, element("button", {}, "Show calls"))));
  input.focus();
}

// Tells the JavaScript client the stories that the Python one is told, and reports as node's own test runner does.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Link } from "../../web/callscribe.js";

const stories = JSON.parse(readFileSync(new URL("../data/following/stories.json", import.meta.url)));

const told = (seen) => {
  switch (seen.type) {
    case "entry":
      return ["entry", seen.call_id, seen.seq];
    case "partial":
      return ["partial", seen.call_id, seen.id, seen.text];
    case "call":
      return ["call", seen.call_id, seen.seq, seen.kind];
    case "watching":
      return ["watching"];
    default:
      return ["refusal", seen.call_id, seen.code];
  }
};

const frame = (messages) =>
  messages.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join("\n");

function act(link, step) {
  const now = step.now ?? 0;
  if ("follow" in step) return [link.follow(step.follow, step.after ?? 0, now), []];
  if ("unfollow" in step) return [link.unfollow(step.unfollow), []];
  if ("watch" in step) return [link.watch(), []];
  if ("opened" in step) return [link.opened(step.opened.now, step.opened.lasts_s), []];
  if ("received" in step) {
    const said = link.received(frame(step.received), now);
    return [said.send, said.seen.map(told)];
  }
  if ("wake" in step) return [link.wake(step.wake), []];
  if ("lost" in step) assert.equal(link.lost(), step.lost);
  else if ("deadline" in step) assert.equal(link.deadline, step.deadline);
  else if ("spent" in step) assert.equal(link.isSpent(step.spent), step.is);
  else assert.fail(`no such step: ${JSON.stringify(step)}`);
  return [[], []];
}

for (const story of stories) {
  test(story.name, () => {
    const link = new Link(() => 1);
    story.steps.forEach((step, number) => {
      const [sent, seen] = act(link, step);
      assert.deepEqual(sent, step.sends ?? [], `step ${number}`);
      assert.deepEqual(seen, step.seen ?? [], `step ${number}`);
    });
  });
}

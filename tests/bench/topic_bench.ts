import { FilterTree } from "../../broker/topic/filter_tree.ts";
import { checkTopic } from "../../broker/topic/name.ts";
import { RetainedTree } from "../../broker/topic/retained_tree.ts";

const TOPIC = "site/7/device/42/temperature";

/** Each has one filter of the count that matches `TOPIC`. */
const FILTER_KINDS: Record<string, (index: number) => string> = {
  "exact": (index) => `site/7/device/${index}/temperature`,
  "+": (index) => `site/+/device/${index}/temperature`,
  "#": (index) => `site/7/device/${index}/#`,
};

Deno.bench("checkTopic, 28 characters", () => {
  checkTopic(TOPIC);
});

for (const [kind, filterOf] of Object.entries(FILTER_KINDS)) {
  for (const count of [10, 1_000, 100_000]) {
    const tree = new FilterTree<number>();
    for (let index = 0; index < count; index++) {
      tree.set(filterOf(index === 0 ? 42 : index + 100), "alice", index);
    }
    Deno.bench(`FilterTree.match, ${count} subscriptions, ${kind}`, () => {
      tree.match(TOPIC);
    });
  }
}

const crowd = new FilterTree<number>();
for (let index = 0; index < 1_000; index++) crowd.set("#", `client ${index}`, index);
Deno.bench("FilterTree.match, 1000 subscribers of #, all match", () => {
  crowd.match(TOPIC);
});

const spread = new FilterTree<number>();
for (let index = 0; index < 100_000; index++) {
  spread.set(FILTER_KINDS[["exact", "+", "#"][index % 3]!]!(index), "alice", index);
}
const topics = Array.from({ length: 1_000 }, (_, index) => `site/7/device/${index * 97}/temperature`);
let nextTopic = 0;
Deno.bench("FilterTree.match, 100000 subscriptions of all kinds, 1000 topics in turn", () => {
  spread.match(topics[nextTopic++ % topics.length]!);
});

const churned = new FilterTree<number>();
Deno.bench("FilterTree set and delete, +", () => {
  churned.set("site/+/device/42/temperature", "alice", 1);
  churned.delete("site/+/device/42/temperature", "alice");
});

const retained = new RetainedTree<string>();
for (let index = 0; index < 100_000; index++) {
  const topic = `site/${index % 10}/device/${index}/temperature`;
  retained.put(topic, topic);
}
Deno.bench("RetainedTree.put, replace", () => {
  retained.put(TOPIC, TOPIC);
});
Deno.bench("RetainedTree.match, one of 100000 by its topic", () => {
  retained.match(TOPIC).next();
});
Deno.bench("RetainedTree.match, one of 100000 by + for its site", () => {
  retained.match("site/+/device/42/temperature").next();
});
Deno.bench("RetainedTree.match, 10000 of 100000 by +", () => {
  for (const _value of retained.match("site/7/device/+/temperature"));
});
Deno.bench("RetainedTree.match, the first 100 of 100000 by #, as a slice of a backlog", () => {
  let left = 100;
  for (const _value of retained.match("#")) if (--left === 0) break;
});
Deno.bench("RetainedTree.match, all of 100000 by #", () => {
  for (const _value of retained.match("#"));
});
Deno.bench("RetainedTree.inOrder, 100 of 100000", () => {
  readPage();
});
let changes = 0;
function readPage(): void {
  let left = 100;
  for (const _value of retained.inOrder("#", "site/7/device/5/temperature")) if (--left === 0) break;
}
Deno.bench("RetainedTree.inOrder, 100 of 100000, after a new topic among 10000 brothers", () => {
  retained.put(`site/7/device/new ${changes++}/temperature`, TOPIC);
  readPage();
});

/**
 * What the command line refuses, and how it says so: always exit code 2, with the field and the
 * value.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gramme } from "../support/cli.ts";

const REFUSED: readonly (readonly [words: string, complaint: RegExp])[] = [
  ["gett key", /unknown command 'gett'\n\(Did you mean get\?\)/],
  ["get", /missing required argument 'key'/],
  ["get key --nod x", /unknown option '--nod'\n\(Did you mean --node\?\)/],
  ["get key --node nowhere", /--node.*'nowhere' is invalid/],
  ["get key --node host:0", /port 0/],
  ["get key -r many", /-r, --r.*'many' is invalid/],
  ["get key --timeout 0", /--timeout.*'0' is invalid/],
  ["get key --bucket a/b", /bucket name.*got "a\/b"/],
  ["put key value --mode newest", /--mode.*'newest' is invalid.*overwrite, siblings, lww, merge/],
  ["put key value --context !", /--context.*'!' is invalid/],
  ["batch key", /"key" has no value/],
  ["hints forget", /'forget' is invalid.*list, deliver, drop/],
  ["hints --to n1", /--to belongs to deliver or drop/],
  ["hints deliver --yes", /--yes belongs to drop/],
  ["start", /'--id <name>' not specified/],
  ["start --id a/b", /id: .*"a\/b"/],
  ["start --id n1 --listen here", /listen: .*"here"/],
  ["start --id n1 --listen 127.0.0.1:99999", /listen: .*99999/],
  ["start --id n1 --listen 0.0.0.0:7400", /listen: .*0\.0\.0\.0/],
  ["start --id n1 --peers n2:7400", /--peers.*Write id or id=host:port, got "n2:7400"/],
  ["start --id n1 --replicas 2", /replicas: .*\(got 2\)/],
  ["start --id n1 --replicas none", /--replicas.*'none' is invalid/],
  ["start --id n1 --partitions 100", /partitions: .*100/],
  ["start --id n1 --strategy chord", /--strategy.*'chord' is invalid.*balanced, ring/],
  ["start --id n1 --virtual-nodes 8", /virtualNodes: .*\(got 8\)/],
  ["start --id n1 --weight 0", /weight: .*\(got 0\)/],
  ["start --id n1 --r 17", /--r .*'17' is invalid/],
  ["start --id n1 --set config.requestTimeoutMs=0", /config\.requestTimeoutMs.*\(got 0\)/],
  ["start --id n1 --set config.quickly=1", /config\.quickly/],
  ["start --id n1 --set limits.frameBytesMax=5", /limits\.frameBytesMax: .*\(got 5\)/],
  ["start --id n1 --set speed=9", /--set.*'speed=9' is invalid/],
  ["start --id n1 --secret-file /nowhere/to/be/found", /--secret-file \/nowhere.*ENOENT/],
  ["dev --nodes 0", /--nodes.*'0' is invalid/],
  ["dev --nodes 2 --replicas 3", /replicas: .*\(got 3\)/],
  ["dev --base-port 65535", /--base-port 65535/],
  ["sim --seeds 9..3", /--seeds.*'9\.\.3' is invalid/],
  ["sim --planted gremlin", /--planted.*'gremlin' is invalid/],
  ["bench --operation scan", /--operation.*'scan' is invalid/],
];

for (const [words, complaint] of REFUSED) {
  test(`cli: refused: gramme ${words}`, async () => {
    const { code, stdout, stderr } = await gramme(words.split(" "));
    assert.match(stderr, complaint);
    assert.equal(code, 2);
    assert.equal(stdout, "");
  });
}

test("cli: an environment variable that cannot be is refused like a flag", async () => {
  const { code, stderr } = await gramme(["start"], {
    env: { GRAMME_ID: "n1", GRAMME_WEIGHT: "x" },
  });
  assert.equal(code, 2);
  assert.match(stderr, /GRAMME_WEIGHT.*'x'|'x'.*GRAMME_WEIGHT/);
});

test("cli: a secret that is too short is refused, and not shown", async () => {
  const { code, stderr } = await gramme(["start", "--id", "n1"], {
    env: { GRAMME_SECRET: "swordf" },
  });
  assert.equal(code, 2);
  assert.match(stderr, /secret: /);
  assert.doesNotMatch(stderr, /swordf/);
});

test("cli: a cluster that is not there is exit code 3, and JSON says so too", async () => {
  const words = ["get", "key", "--node", "127.0.0.1:1"];
  const { code, stderr } = await gramme(words);
  assert.equal(code, 3);
  assert.match(stderr, /UNAVAILABLE.*127\.0\.0\.1:1.*ECONNREFUSED/);
  const told = await gramme([...words, "--json"]);
  const { error } = JSON.parse(told.stdout) as { error: Record<string, unknown> };
  assert.equal(told.code, 3);
  const fields = ["code", "message", "retryable", "hint", "needed", "got", "retryAfterMs"];
  assert.deepEqual(Object.keys(error), fields);
  assert.equal(error["code"], "UNAVAILABLE");
  assert.equal(error["retryable"], true);
});

test("cli: help for everything, with examples", async () => {
  const overview = await gramme(["--help"]);
  assert.equal(overview.code, 0);
  const verbs = [...overview.stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, verb]) => verb!);
  for (const verb of ["dev", "start", "put", "get", "delete", "batch", "status", "ring", "sim"]) {
    assert.ok(verbs.includes(verb), verb);
  }
  for (const verb of verbs.filter((each) => each !== "help")) {
    const { code, stdout } = await gramme([verb, "--help"]);
    assert.equal(code, 0, verb);
    assert.match(stdout, /Examples:\n {2}\$ gramme /, verb);
  }
  assert.equal((await gramme(["help", "put"])).stdout, (await gramme(["put", "--help"])).stdout);
  assert.match((await gramme(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
});

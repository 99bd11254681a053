/** `gramme sim`: what it prints, and the exit codes that tell one kind of failure from another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gramme } from "../support/cli.ts";

const QUICK = ["--nodes", "3", "--virtual-seconds", "3"];

test("cli: one seed is one run, told in numbers, and the same each time", async () => {
  const words = ["sim", "--seed", "7", ...QUICK];
  const first = await gramme([...words, "--json"]);
  assert.equal(first.code, 0, first.stderr);
  const run = JSON.parse(first.stdout) as Record<string, unknown>;
  assert.equal(run["seed"], 7);
  assert.equal(run["verdict"], "ok");
  assert.match(run["traceHash"] as string, /^[0-9a-f]{16}$/);
  const again = JSON.parse((await gramme([...words, "--json"])).stdout) as Record<string, unknown>;
  assert.equal(again["traceHash"], run["traceHash"]);
  const told = await gramme(words);
  for (const part of ["seed 7", "faults", "facts", "seeds an hour", run["traceHash"] as string]) {
    assert.ok(told.stdout.includes(part), part);
  }
  assert.match(told.stdout, /verdict +ok/);
});

test("cli: many seeds add up, in threads, whatever their order", async () => {
  const run = async (jobs: string): Promise<Record<string, unknown>> => {
    const words = ["sim", "--seeds", "1..6", "--jobs", jobs, ...QUICK, "--json"];
    const { code, stdout, stderr } = await gramme(words);
    assert.equal(code, 0, stderr);
    const { elapsedMs, seedsPerHour, ...sums } = JSON.parse(stdout) as Record<string, unknown>;
    assert.ok((elapsedMs as number) > 0 && (seedsPerHour as number) > 0);
    return sums;
  };
  const sums = await run("2");
  assert.equal(sums["runs"], 6);
  assert.deepEqual(sums["verdicts"], { ok: 6 });
  assert.deepEqual(sums, await run("1"));
});

test("cli: full runs say how much hit them, and none is quieter than it should be", async () => {
  const { code, stdout, stderr } = await gramme(["sim", "--full", "--seeds", "1..2"]);
  assert.equal(code, 0, stderr);
  const [, quietest] = /^strikes +\d+ that hit, (\d+) in the quietest run$/m.exec(stdout) ?? [];
  assert.ok(Number(quietest) >= 40, stdout);
  assert.match(stdout, /^purged +\d+ tombstones$/m);
});

test("cli: a planted bug is a broken promise, found, named and made small", async () => {
  const words = ["sim", "--planted", "newest-only", "--seeds", "1..4", "--shrink"];
  const { code, stdout, stderr } = await gramme(words, { withinMs: 120_000 });
  assert.equal(code, 11, stderr);
  assert.match(stdout, /seed \d+: S1 /);
  assert.match(stdout, /the smallest run that fails the same way/);
  assert.match(stdout, /see it with {2}gramme sim --planted newest-only --seed \d+ --trace/);
  assert.match(stderr, /still fails without/);
});

test("cli: a run that is not the same twice is found", async () => {
  const words = ["sim", "--seed", "5", "--twice", "--json"];
  assert.equal((await gramme(words)).code, 0);
  const { code, stdout } = await gramme([...words, "--planted", "memory-between-runs"]);
  assert.equal(code, 11);
  const { findings } = JSON.parse(stdout) as { findings: readonly { checker: string }[] };
  assert.deepEqual(
    findings.map(({ checker }) => checker),
    ["S19"],
  );
});

test("cli: a trace tells the run in lines, those about a node if one is named", async () => {
  const { code, stdout } = await gramme(["sim", "--seed", "7", ...QUICK, "--trace", "n2"]);
  assert.equal(code, 0);
  const lines = stdout.slice(0, stdout.indexOf("seed 7")).trimEnd().split("\n");
  assert.ok(lines.length > 10);
  for (const line of lines) assert.match(line, /^ *\d+\.\d{3} .*n2/);
});

test("cli: the bugs that can be planted are listed, with who finds them", async () => {
  const { code, stdout } = await gramme(["sim", "--list-planted", "--json"]);
  assert.equal(code, 0);
  const bugs = JSON.parse(stdout) as readonly Record<string, string>[];
  assert.ok(bugs.length > 10);
  for (const bug of bugs) assert.deepEqual(Object.keys(bug), ["name", "description", "checker"]);
});

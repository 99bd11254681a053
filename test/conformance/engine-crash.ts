/**
 * What an engine owes to those it said "durable" to, when its process is killed: a process writes,
 * is ended by SIGKILL at a moment of chance, and its rows are opened again and looked at, over and
 * over in the same directory.
 *
 * It proves nothing about power failures: what a killed process gave to the operating system is
 * still there.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Random } from "#src/core/base/random.ts";
import type { Key } from "#src/core/ring/key.ts";
import type { Engine } from "#src/core/storage/engine.ts";
import { temporaryDirectory, type OpenEngine } from "./engine-on-disk.ts";
import {
  comingAndGoing,
  indexOf,
  numberIn,
  numberOf,
  WRITER_KEYS,
  WRITER_PARTITION,
  writerKeys,
} from "./engine-writer.ts";

/** CRASH_CYCLES in the environment asks for more of them. */
const CYCLES = Number(process.env["CRASH_CYCLES"] ?? 10);
const KILLED_AFTER_MS_MAX = 250;
const WRITER = fileURLToPath(new URL("./engine-writer.js", import.meta.url));

/** The engine is the class of this name in this module, "#src/….ts". */
export function testCrashes(
  name: string,
  { module, className, open }: { module: string; className: string; open: OpenEngine },
): void {
  void test(`${name}: killed ${CYCLES} times, it has everything it completed`, async (t) => {
    const directory = temporaryDirectory();
    const random = new Random(`crash ${process.pid}`);
    const completed: number[] = new Array<number>(WRITER_KEYS).fill(-1);
    let first = 0;
    let writes = 0;
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const killAfterMs = random.integer(KILLED_AFTER_MS_MAX);
      const output = await killedWriter([module, className, directory, `${first}`], killAfterMs);
      // The last line may be cut off.
      for (const line of output.split("\n").slice(0, -1)) {
        completed[indexOf(Number(line))] = numberOf(Number(line));
        first = Math.max(first, numberOf(Number(line)) + 1);
        writes++;
      }
      const highest = await check(open, directory, completed);
      first = Math.max(first, highest + 1);
    }
    assert.ok(writes > CYCLES, `only ${writes} writes were completed`);
    t.diagnostic(`${writes} completed writes in ${CYCLES} lives`);
  });
}

/** What it said until it was killed, that long after its first words. */
function killedWriter(args: readonly string[], killAfterMs: number): Promise<string> {
  const writer = spawn(process.execPath, [WRITER, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let problem = "";
  writer.stdout.setEncoding("latin1").on("data", (text: string) => {
    if (output === "") setTimeout(() => writer.kill("SIGKILL"), killAfterMs);
    output += text;
  });
  writer.stderr.on("data", (text: Buffer) => (problem += text.toString()));
  return new Promise((resolve, reject) => {
    writer.on("error", reject);
    writer.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(output);
      else reject(new Error(`the writer ended by itself, ${code}: ${problem}`));
    });
  });
}

/** Answers the highest number of all rows, completed or not. */
async function check(
  open: OpenEngine,
  directory: string,
  completed: readonly number[],
): Promise<number> {
  const events = { completed: () => {}, failed: (problem: string) => assert.fail(problem) };
  const engine = (await open(directory)).begin(events);
  let highest = -1;
  let keys = 0;
  for (const [index, number] of completed.entries()) {
    const found = storedNumber(engine, index);
    assert.ok(found >= number, `write ${number} of ${index} was completed, ${found} is there`);
    if (found >= 0) keys += found % 2 === 0 ? 3 : 2;
    highest = Math.max(highest, found);
  }
  assert.equal(engine.stats().keys, keys);
  assert.equal(engine.scan(WRITER_PARTITION, undefined, 10_000).entries.length, keys);
  await new Promise<void>((closed) => engine.close(closed));
  return highest;
}

/** Of the last write of these keys, which is there as a whole; -1 for none. */
function storedNumber(engine: Engine, index: number): number {
  const read = (key: Key): number => {
    const row = engine.get(WRITER_PARTITION, key);
    assert.notEqual(row, "damaged");
    return row instanceof Uint8Array ? numberIn(row) : -1;
  };
  const [number, other] = writerKeys(index).map(read) as [number, number];
  assert.equal(number, other, "half a write is there");
  const third = number % 2 === 0 ? number : -1;
  assert.equal(read(comingAndGoing(index)), third, "a removal is not there, or half of a write");
  return number;
}

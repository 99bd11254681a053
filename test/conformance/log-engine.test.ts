import assert from "node:assert/strict";
import { Random } from "#src/core/base/random.ts";
import type { EngineEvents } from "#src/core/storage/engine.ts";
import { LogEngine } from "#src/core/storage/log/log-engine.ts";
import type { LogOptions } from "#src/core/storage/log/log-options.ts";
import { recoverLog, type RecoveredLog } from "#src/core/storage/log/log-recovery.ts";
import { QUICK_PACE } from "#src/sim/disk/disk-pace.ts";
import { SimulatedDisk } from "#src/sim/disk/simulated-disk.ts";
import { testCrashes } from "./engine-crash.ts";
import { engineOnDisk, temporaryDirectory } from "./engine-on-disk.ts";
import type { EngineUnderTest } from "./engine-stand.ts";
import { testDurableEngine } from "./engine.ts";
import { AlwaysLog, IntervalLog, NeverLog } from "./log-on-files.ts";

const OPTIONS: LogOptions = {
  sync: "always",
  segmentBytes: 64 * 1024,
  reserveBytes: 64 * 1024,
  recentBytes: 16 * 1024,
  chunkBytes: 4096,
  hashSecret: { high: 1, low: 2 },
  newStore: new Uint8Array(8),
};

/** A simulated disk and the tickets that its world still holds. */
class Bench {
  readonly #tickets: number[] = [];
  readonly disk: SimulatedDisk = new SimulatedDisk(new Random("conformance"), QUICK_PACE, {
    now: 0,
    complete: (_delayMs, ticket) => void this.#tickets.push(ticket),
    onFault: () => {},
  });

  settle(): void {
    for (let ticket = this.#tickets.shift(); ticket !== undefined;) {
      this.disk.settle(ticket);
      ticket = this.#tickets.shift();
    }
  }
}

function simulated(bench: Bench, events: EngineEvents): EngineUnderTest {
  const recovered: RecoveredLog[] = [];
  recoverLog(bench.disk, OPTIONS, (log) => {
    assert.ok(!("problem" in log));
    recovered.push(log);
  });
  bench.settle();
  const made = new LogEngine(bench.disk, OPTIONS, recovered[0]!, events);
  return {
    engine: made,
    settle: () => {
      made.flush();
      bench.settle();
      made.work(64 * 1024);
      bench.settle();
    },
    advance: () => bench.settle(),
    reopen: (again) => simulated(bench, again),
  };
}

testDurableEngine("log engine, simulated disk", (events) => simulated(new Bench(), events));

for (const [policy, log] of [
  ["always", AlwaysLog],
  ["interval", IntervalLog],
  ["never", NeverLog],
] as const) {
  const name = `log engine, real files, ${policy}`;
  testDurableEngine(name, (events) => engineOnDisk(log.open, temporaryDirectory(), events));
  testCrashes(name, {
    module: "./log-on-files.js",
    className: `${policy[0]!.toUpperCase()}${policy.slice(1)}Log`,
    open: log.open,
  });
}

/**
 * Fills a store with a million rows of 100 bytes and ends itself by SIGKILL, as a process that is
 * killed: `storage.ts` measures how long the next start takes.
 */
import { keyOf } from "#src/core/ring/key.ts";
import { openEngine } from "#src/disk/opened-engine.ts";
import { STORAGE_DEFAULTS } from "#src/disk/storage-settings.ts";

const KEYS = 1_000_000;
const PARTITIONS = 256;
const WRITES_OF_A_TURN = 2_000;
/** Hint files are written meanwhile, as in a node that has run for a while. */
const REST_MS = 3_000;

const path = process.argv[2]!;
const opened = await openEngine(path, { ...STORAGE_DEFAULTS, dir: path, sync: "never" });
let completed = 0;
let written = 0;
const engine = opened.begin({
  completed: () => {
    completed++;
  },
  failed: (problem) => {
    throw new Error(problem);
  },
});
const row = new Uint8Array(100).fill(65);

function turn(): void {
  for (let i = 0; i < WRITES_OF_A_TURN && written < KEYS; i++) {
    const key = keyOf("bench", `key:${String(written).padStart(12, "0")}`);
    engine.write([{ partition: written % PARTITIONS, key, row }], written++);
  }
  engine.flush();
  if (completed < KEYS) setImmediate(turn);
  else setTimeout(() => process.kill(process.pid, "SIGKILL"), REST_MS);
}

turn();

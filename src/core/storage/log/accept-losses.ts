/**
 * What an operator may decide and no program: that records of unknown keys were lost, and that what
 * is left is the truth from now on. Until then every key that may have been among them is damaged.
 *
 *     log recovered ─▶ hint files up to the place of the loss ─▶ manifest without that place
 *
 * The hint files come first, because they say what a segment holds without its bad places: a start
 * that finds them does not meet the loss again. A crash before the manifest leaves all as it was.
 */
import type { AppendAnswer, Disk } from "../disk.ts";
import type { DiskTask } from "./disk-task.ts";
import { runTask } from "./disk-task.ts";
import { collectHints, storeHints } from "./hint-job.ts";
import type { LogIndex } from "./log-index.ts";
import type { RecoveredLog } from "./log-recovery.ts";
import type { Segment } from "./segment.ts";

/** Of a log that no engine works on. */
export function acceptLosses(
  disk: Disk,
  log: RecoveredLog,
  accepted: (answer: AppendAnswer) => void,
): void {
  runTask(accept(disk, log), accepted);
}

function* accept(disk: Disk, { segments, index, manifest }: RecoveredLog): DiskTask<AppendAnswer> {
  for (const segment of segments) {
    if (segment.hasHint || !segments.isDoubtful(segment.number, 0)) continue;
    const stored = yield* storeHints(disk, segment, collected(disk, segment, index));
    if (stored !== "done") return stored;
  }
  segments.acceptLoss();
  return yield (done) => manifest.save(done);
}

/** In one piece, since nobody waits meanwhile; and all that was found is durable. */
function collected(disk: Disk, segment: Segment, index: LogIndex): Uint8Array {
  const collecting = collectHints(disk, segment, index);
  let step = collecting.next();
  while (step.done !== true) step = collecting.next();
  return step.value.bytes;
}

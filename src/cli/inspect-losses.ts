/**
 * An operator accepts that records are gone. The order makes every crash on the way harmless:
 *
 *     identity says "not clean" ─▶ hint files ─▶ manifest without the place of the loss
 *
 * The identity comes first: among what was lost may be dots of this node, and when the log calls
 * itself whole again, nothing else would make the next start raise its boot floor.
 */
import type { AppendAnswer } from "../core/storage/disk.ts";
import { acceptLosses } from "../core/storage/log/accept-losses.ts";
import type { Place } from "../core/storage/log/place.ts";
import type { DataDirectory } from "../disk/data-directory.ts";
import { DirectoryError } from "../disk/directory-error.ts";
import { recover, withLog } from "./inspect-store.ts";

/** Answers what was accepted; undefined when nothing is lost. Throws a DirectoryError. */
export async function acceptLossesIn(directory: DataDirectory): Promise<Place | undefined> {
  return withLog(directory.path, async (disk) => {
    const log = await recover(directory.path, disk);
    const { loss } = log.segments;
    if (loss === undefined) return undefined;
    await markUnclean(directory);
    await asked(directory, "its log", (told) => acceptLosses(disk, log, told));
    return loss;
  });
}

async function markUnclean(directory: DataDirectory): Promise<void> {
  const { stored } = directory.identityFile;
  if (stored.kind === "newer") {
    const problem = "its identity was written by a later release";
    throw new DirectoryError(directory.path, problem, "use that release");
  }
  // Without an identity the next start draws a new actor, which has handed out nothing.
  if (stored.kind !== "found") return;
  const identity = { ...stored.identity, isClean: false };
  await asked(directory, "its identity", (told) => directory.identityFile.write(identity, told));
}

async function asked(
  { path }: DataDirectory,
  what: string,
  ask: (told: (answer: AppendAnswer) => void) => void,
): Promise<void> {
  const answer = await new Promise<AppendAnswer>(ask);
  if (answer === "done") return;
  const problem = answer === "full" ? "the disk is full" : answer.problem;
  throw new DirectoryError(path, `${what} cannot be written: ${problem}`, "the loss is as it was");
}

/**
 * Bugs to find: for every checker at least one that it must see.
 *
 * A checker that has never found anything has shown nothing. `apply` plants the bug in the classes
 * of this process, for every run until it is undone; `gramme sim --planted <name>` runs with one.
 */
import { budgetsEndless, doubtfulPutsRepeated, impatientWriters } from "./caller-bugs.ts";
import { memoryBetweenRuns, strayCopies } from "./cluster-bugs.ts";
import {
  fullCalledDurable,
  fullDisksOften,
  refusalForgottenAtStop,
  stopsWithFullDisks,
} from "./disk-bugs.ts";
import { hintsSentOnce, keptCalledDeleted, ownersAway, standInsTrusted } from "./handoff-bugs.ts";
import {
  bootFloorIgnored,
  crashesOnSlowDisks,
  epochPerPut,
  epochsUnused,
  oneForgetsOften,
  reservedEpochIgnored,
} from "./identity-bugs.ts";
import { limitForgotten, manyForFew } from "./load-bugs.ts";
import { newestOnly, repairIgnored, tombstoneDropped } from "./join-bugs.ts";
import {
  disksSetBack,
  fewOwnersLeft,
  olderBootsBelieved,
  silentKept,
  sparesNotAsked,
  someStayAway,
} from "./liveness-bugs.ts";
import {
  deletesAllTheTime,
  erasEndless,
  expiryIgnored,
  livesInSeconds,
  hintsOverlooked,
  oldCopiesPutBack,
  ownersNotAsked,
  settledAtOnce,
  shortLives,
} from "./purge-bugs.ts";
import type { RunOptions } from "../swarm.ts";
import {
  ackBeforeSync,
  alwaysCalledClean,
  barrierIgnored,
  cutTooFar,
  failedSyncRepeated,
  leaseBeforeDurable,
  machinesDieOften,
  machinesDieOnSlowDisks,
  syncsFail,
} from "./storage-bugs.ts";
import type { Undo } from "./patch.ts";
import {
  ackBeforeDurable,
  busySessions,
  differenceIgnored,
  operationsKept,
  readsAskOne,
  repliesCounted,
  sessionsUnchecked,
  unknownCalledFailed,
  writeBackNotAwaited,
} from "./quorum-bugs.ts";

export interface PlantedBug {
  readonly description: string;
  /** The id of the checker that must find it; others may as well. */
  readonly checker: string;
  readonly apply: () => Undo;
  /** A bug that shows only now and then: what makes of a drawn run one in which it shows often. */
  readonly trouble?: (drawn: RunOptions) => RunOptions;
}

export const PLANTED_BUGS: ReadonlyMap<string, PlantedBug> = new Map<string, PlantedBug>([
  [
    "epochs-unused",
    {
      description: "a node that forgot a key numbers its dots from 1 again",
      checker: "S1",
      apply: epochsUnused,
      trouble: oneForgetsOften,
    },
  ],
  [
    "eras-endless",
    {
      description: "what was under way while a tombstone was purged is listened to afterwards",
      checker: "S3",
      apply: erasEndless,
      trouble: deletesAllTheTime,
    },
  ],
  [
    "hints-overlooked",
    {
      description: "a tombstone is purged while the value is kept for an owner that is away",
      checker: "S3",
      apply: hintsOverlooked,
      trouble: (drawn) => ownersAway(deletesAllTheTime(drawn)),
    },
  ],
  [
    "owners-not-asked",
    {
      description: "a tombstone is purged although an owner still has the value",
      checker: "S3",
      apply: ownersNotAsked,
      trouble: deletesAllTheTime,
    },
  ],
  [
    "settled-at-once",
    {
      description: "an older copy of a disk is put back, and believed without asking anybody",
      checker: "S3",
      apply: settledAtOnce,
      trouble: oldCopiesPutBack,
    },
  ],
  [
    "expiry-ignored",
    {
      description: "values are shown for ever, also those that were put for a time",
      checker: "S21",
      apply: expiryIgnored,
      trouble: shortLives,
    },
  ],
  [
    "lives-in-seconds",
    {
      description: "a value that was put for so many milliseconds lives for so many seconds",
      checker: "S21",
      apply: livesInSeconds,
      trouble: shortLives,
    },
  ],
  [
    "newest-only",
    {
      description: "of concurrent values the join keeps only the newest",
      checker: "S1",
      apply: newestOnly,
    },
  ],
  [
    "unknown-called-failed",
    {
      description: "a write with an unknown outcome is reported as failed",
      checker: "S2",
      apply: unknownCalledFailed,
    },
  ],
  [
    "tombstone-dropped",
    {
      description: "the join drops a tombstone when it meets a value",
      checker: "S3",
      apply: tombstoneDropped,
    },
  ],
  [
    "reserved-epoch-ignored",
    {
      description: "a node goes on from an old copy of its own past, as a peer brought it",
      checker: "S4",
      apply: reservedEpochIgnored,
      trouble: oneForgetsOften,
    },
  ],
  [
    "boot-floor-ignored",
    {
      description: "after an unclean stop a node goes on from rows whose tail is gone",
      checker: "S4",
      apply: bootFloorIgnored,
      trouble: crashesOnSlowDisks,
    },
  ],
  [
    "refusal-forgotten-at-stop",
    {
      description: "after a stop in order a node goes on from rows that a full disk did not take",
      checker: "S4",
      apply: refusalForgottenAtStop,
      trouble: stopsWithFullDisks,
    },
  ],
  [
    "repair-ignored",
    {
      description: "a replica does not store what read repair sends it",
      checker: "S5",
      apply: repairIgnored,
    },
  ],
  [
    "replies-counted",
    {
      description: "a quorum counts replies instead of distinct owners",
      checker: "S6",
      apply: repliesCounted,
    },
  ],
  [
    "ack-before-durable",
    {
      description: "the coordinator's own copy counts before it is durable",
      checker: "S6",
      apply: ackBeforeDurable,
    },
  ],
  [
    "full-called-durable",
    {
      description: "a write that a full disk refused is acknowledged like any other",
      checker: "S6",
      apply: fullCalledDurable,
      trouble: fullDisksOften,
    },
  ],
  [
    "stand-ins-trusted",
    {
      description: "a node that is asked to keep a write for an owner counts before it does",
      checker: "S6",
      apply: standInsTrusted,
      trouble: ownersAway,
    },
  ],
  [
    "kept-called-deleted",
    {
      description: "what a node keeps of a key counts for a deletion that it has not heard of",
      checker: "S6",
      apply: keptCalledDeleted,
      trouble: ownersAway,
    },
  ],
  [
    "hints-sent-once",
    {
      description: "what is kept for an owner goes when it is sent, not when it has arrived",
      checker: "S7",
      apply: hintsSentOnce,
      trouble: ownersAway,
    },
  ],
  [
    "reads-ask-one",
    {
      description: "a read is answered by one owner, whatever its level",
      checker: "S8",
      apply: readsAskOne,
    },
  ],
  [
    "write-back-not-awaited",
    {
      description: "a session read writes back what it found, and answers before that is held",
      checker: "S8",
      apply: writeBackNotAwaited,
      trouble: busySessions,
    },
  ],
  [
    "sessions-unchecked",
    {
      description: "a session read returns what one owner holds, as any read does",
      checker: "S8",
      apply: sessionsUnchecked,
      trouble: busySessions,
    },
  ],
  [
    "difference-ignored",
    {
      description: "a read counts an owner that differs, and does not look at what it holds",
      checker: "S9",
      apply: differenceIgnored,
    },
  ],
  [
    "stray-copies",
    {
      description: "a node stores what it does not own",
      checker: "S13",
      apply: strayCopies,
    },
  ],
  [
    "ack-before-sync",
    {
      description: "the log engine calls a row durable before its sync",
      checker: "S15",
      apply: ackBeforeSync,
      trouble: machinesDieOften,
    },
  ],
  [
    "failed-sync-repeated",
    {
      description: "a sync that failed is tried again, and believed",
      checker: "S15",
      apply: failedSyncRepeated,
      trouble: syncsFail,
    },
  ],
  [
    "cut-too-far",
    {
      description: "a recovery cuts more off the log than its torn end",
      checker: "S15",
      apply: cutTooFar,
      trouble: machinesDieOften,
    },
  ],
  [
    "barrier-ignored",
    {
      description: "a hint file leaves out what was replaced by a row that is not durable",
      checker: "S15",
      apply: barrierIgnored,
      trouble: machinesDieOnSlowDisks,
    },
  ],
  [
    "always-called-clean",
    {
      description: "a node boots as after a stop in order, though it was killed",
      checker: "S4",
      apply: alwaysCalledClean,
      trouble: machinesDieOnSlowDisks,
    },
  ],
  [
    "lease-before-durable",
    {
      description: "epochs of a block are handed out before its lease is durable",
      checker: "S17",
      apply: leaseBeforeDurable,
      trouble: machinesDieOften,
    },
  ],
  [
    "older-boots-believed",
    {
      description: "a node talks to an older boot of a peer than it has met before",
      checker: "S14",
      apply: olderBootsBelieved,
      trouble: disksSetBack,
    },
  ],
  [
    "spares-not-asked",
    {
      description: "a read waits for the owners that it asked first, and asks nobody else",
      checker: "L1",
      apply: sparesNotAsked,
      trouble: someStayAway,
    },
  ],
  [
    "silent-kept",
    {
      description: "who is asked to stand in and is silent makes way for nobody",
      checker: "L2",
      apply: silentKept,
      trouble: fewOwnersLeft,
    },
  ],
  [
    "memory-between-runs",
    {
      description: "a counter lives on from one run to the next",
      checker: "S19",
      apply: memoryBetweenRuns,
    },
  ],
  [
    "doubtful-puts-repeated",
    {
      description: "a put with a context is sent again after an unknown outcome",
      checker: "S20",
      apply: doubtfulPutsRepeated,
      trouble: impatientWriters,
    },
  ],
  [
    "epoch-per-put",
    {
      description: "every put takes an epoch of its own, and the context grows with each",
      checker: "B1",
      apply: epochPerPut,
    },
  ],
  [
    "limit-forgotten",
    {
      description: "a node takes however many requests come",
      checker: "B2",
      apply: limitForgotten,
      trouble: manyForFew,
    },
  ],
  [
    "operations-kept",
    {
      description: "an operation that is over stays in the table of the open ones",
      checker: "B3",
      apply: operationsKept,
    },
  ],
  [
    "budgets-endless",
    {
      description: "hedges and repetitions are asked as often as anybody would like",
      checker: "B5",
      apply: budgetsEndless,
      trouble: impatientWriters,
    },
  ],
]);

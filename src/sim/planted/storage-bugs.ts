/**
 * Planted bugs of the log engine and of the identity files. Most of them sit in the ports between
 * the two and the disk: what lies there makes an engine that is right behave as a wrong one would.
 */
import type { Identity } from "../../core/identity/identity.ts";
import { IdentityFile } from "../../core/identity/identity-file.ts";
import { LogWriter } from "../../core/storage/log/log-writer.ts";
import type { Harm } from "../node-storage.ts";
import { ProcessDisk } from "../process-disk.ts";
import type { RunOptions } from "../swarm.ts";
import type { Undo } from "./patch.ts";
import { patchMethod } from "./patch.ts";

/** So much of a log is taken away with its torn end. */
const CUT_BYTES = 300;

/** Machines die all the time, on disks that are well. */
export function machinesDieOften(drawn: RunOptions): RunOptions {
  const { simulation, nemesis } = drawn;
  const crashes = { everyMs: 300, lastsMsMax: 10, silentRate: 0, stopRate: 0.2, forgetRate: 0 };
  return {
    ...drawn,
    simulation: {
      ...simulation,
      storage: "log",
      leaseBlock: 2,
      disk: { ...simulation.disk, syncMsMean: 5 },
    },
    nemesis: {
      ...nemesis,
      crashes,
      machineRate: 1,
      damage: undefined,
      harms: undefined,
      backups: undefined,
    },
  };
}

/** The same, and disks too slow to keep up. */
export function machinesDieOnSlowDisks(drawn: RunOptions): RunOptions {
  const often = machinesDieOften(drawn);
  const { simulation } = often;
  return {
    ...often,
    simulation: { ...simulation, disk: { ...simulation.disk, syncMsMean: 30 } },
  };
}

/** The same, and now and then a sync fails. */
export function syncsFail(drawn: RunOptions): RunOptions {
  const often = machinesDieOften(drawn);
  const kinds: readonly Harm[] = ["sync-failed"];
  const harms = { everyMs: 200, lastsMsMax: 0, kinds };
  return { ...often, nemesis: { ...often.nemesis, harms, forgetful: 1 } };
}

/** A row is called durable when the system has it. */
export function ackBeforeSync(): Undo {
  return patchMethod(
    ProcessDisk.prototype,
    "sync",
    (original) =>
      function (this: ProcessDisk, file, answer) {
        if (!file.endsWith(".log")) return original.call(this, file, answer);
        this.append(file, [], () => answer("done"));
      },
  );
}

/** A sync that failed is tried again, and the second time it works. */
export function failedSyncRepeated(): Undo {
  return patchMethod(
    ProcessDisk.prototype,
    "sync",
    (original) =>
      function (this: ProcessDisk, file, answer) {
        original.call(this, file, (first) => {
          if (first === "done") answer(first);
          else original.call(this, file, answer);
        });
      },
  );
}

/** With the torn end of a log something goes that was whole. */
export function cutTooFar(): Undo {
  return patchMethod(
    ProcessDisk.prototype,
    "remove",
    (original) =>
      function (this: ProcessDisk, file, from, answer) {
        original.call(this, file, from > CUT_BYTES ? from - CUT_BYTES : from, answer);
      },
  );
}

/** Hint files and compaction do not wait until what has replaced a row is durable. */
export function barrierIgnored(): Undo {
  return patchMethod(
    LogWriter.prototype,
    "barrier",
    () =>
      function (this: LogWriter, passed) {
        this.flush();
        passed("done");
      },
  );
}

/** Every life says of itself from the beginning that it stopped in order. */
export function alwaysCalledClean(): Undo {
  return patchMethod(
    IdentityFile.prototype,
    "write",
    (original) =>
      function (this: IdentityFile, identity, answer) {
        const clean: Identity = { ...identity, isClean: true };
        original.call(this, clean, answer);
      },
  );
}

/** The next block of epochs is handed out while it is still on its way to the disk. */
export function leaseBeforeDurable(): Undo {
  return patchMethod(
    IdentityFile.prototype,
    "write",
    (original) =>
      function (this: IdentityFile, identity, answer) {
        original.call(this, identity, () => {});
        answer("done");
      },
  );
}

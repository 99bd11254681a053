/**
 * One process in a data directory at a time. Two that append to the same files destroy both.
 *
 *     .lock-4711-88123-2b1f…    pid, its start in ticks since the boot, the boot of the machine
 *
 * A process makes a file with its own name (O_EXCL), then looks for those of others. One whose
 * process is gone is removed; one whose process lives has the directory. Everybody makes first and
 * looks then, so of two at once the later one sees the earlier. A file is named after one life of
 * one process: whoever removes a stale one never hits the lock of somebody who came after, which a
 * single file with a fixed name could not avoid.
 *
 * Two that see each other before either holds the directory go by their names: the lower one waits
 * for the other to step back. A holder's file has a byte, a candidate's is empty.
 *
 * A process is gone when its pid is, or belongs to a later process, or to a zombie, or when the
 * machine was booted since: nothing has to be removed by hand after a kill. Where the system does
 * not tell starts and boots, the pid alone decides, and the error names the file. Processes that do
 * not see each other's pids, on two machines or in two containers, must not share a directory.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { DirectoryError, DirectoryHeldError } from "./directory-error.ts";
import { codeOf } from "./system-error.ts";

/** What the lock knows of a process; a field that the system does not tell is `UNKNOWN`. */
interface Owner {
  readonly pid: number;
  readonly start: string;
  readonly boot: string;
}

const UNKNOWN = "x";
const LOCK_NAME = /^\.lock-(\d+)-(\d+|x)-([0-9a-z-]+)$/;
const HELD_BYTES = 1;
const WAIT_MS = 5;
/** A candidate looks around right after making its file; a quarter of a second is a long time. */
const WAITS_MAX = 50;

export class DirectoryLock {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Of a directory that is there. Throws a DirectoryHeldError, or another DirectoryError. */
  static take(directory: string): DirectoryLock {
    const owner = thisProcess();
    const name = nameOf(owner);
    const path = join(directory, name);
    try {
      fs.closeSync(fs.openSync(path, "wx", 0o600));
    } catch (error) {
      if (codeOf(error) === "EEXIST") throw new DirectoryHeldError(directory, owner.pid, path);
      throw DirectoryError.of(directory, "make its lock", error);
    }
    try {
      waitForOthers(directory, name);
      // A longer file without a block of its own: also a full disk can be opened.
      fs.truncateSync(path, HELD_BYTES);
    } catch (error) {
      remove(path);
      throw error instanceof DirectoryError
        ? error
        : DirectoryError.of(directory, "take its lock", error);
    }
    return new DirectoryLock(path);
  }

  /** The name is that of this process alone: what it removes is its own, or nothing. */
  release(): void {
    remove(this.path);
  }
}

/** Returns when no other living process has a lock in here. */
function waitForOthers(directory: string, own: string): void {
  for (let waits = 0; ; waits++) {
    const other = findOther(directory, own);
    if (other === undefined) return;
    const path = join(directory, other.name);
    if (other.name < own || waits === WAITS_MAX || isHeld(path)) {
      throw new DirectoryHeldError(directory, other.owner.pid, path);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS);
  }
}

/** The lock of a living process: one that holds the directory, or the lowest. */
function findOther(
  directory: string,
  own: string,
): { readonly name: string; readonly owner: Owner } | undefined {
  const names = fs.readdirSync(directory).filter((name) => name !== own && LOCK_NAME.test(name));
  const living = names.sort().flatMap((name) => {
    const owner = ownerOf(name);
    if (isAlive(owner)) return [{ name, owner }];
    remove(join(directory, name));
    return [];
  });
  return living.find(({ name }) => isHeld(join(directory, name))) ?? living[0];
}

function isHeld(path: string): boolean {
  return (fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= HELD_BYTES;
}

function isAlive({ pid, start, boot }: Owner): boolean {
  const here = bootId();
  if (boot !== UNKNOWN && here !== UNKNOWN && boot !== here) return false;
  try {
    // Signal 0 asks whether there is such a process, and does nothing to it.
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) === "ESRCH") return false;
  }
  const life = lifeOf(pid);
  if (life === undefined) return true;
  return !life.isOver && (start === UNKNOWN || start === life.start);
}

/**
 * From /proc/PID/stat: the state is its third field and the start its twenty-second. The second is
 * the name of the program in brackets, which may have blanks and brackets itself.
 *
 *     4711 (node (x) y) S 1 4711 ...
 */
function lifeOf(pid: number): { readonly start: string; readonly isOver: boolean } | undefined {
  const stat = textOfFile(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  const state = fields[0];
  const start = fields[19];
  if (state === undefined || start === undefined) return undefined;
  return { start, isOver: state === "Z" || state === "X" };
}

function thisProcess(): Owner {
  return { pid: process.pid, start: lifeOf(process.pid)?.start ?? UNKNOWN, boot: bootId() };
}

function bootId(): string {
  return textOfFile("/proc/sys/kernel/random/boot_id")?.trim() ?? UNKNOWN;
}

function nameOf({ pid, start, boot }: Owner): string {
  return `.lock-${pid}-${start}-${boot}`;
}

function ownerOf(name: string): Owner {
  const [, pid, start, boot] = LOCK_NAME.exec(name)!;
  return { pid: Number(pid), start: start!, boot: boot! };
}

function textOfFile(path: string): string | undefined {
  try {
    return fs.readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

function remove(path: string): void {
  fs.rmSync(path, { force: true });
}

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { AppendAnswer, DiskProblem } from "../core/storage/disk.ts";
import { UNREADABLE } from "../core/storage/disk.ts";
import { DirectoryError } from "./directory-error.ts";
import type { FileCalls } from "./file-calls.ts";
import { FileDisk, type FileDiskOptions } from "./file-disk.ts";
import { temporaryDirectory } from "./temporary-directory.test.ts";

/** The calls of the system, some of them replaced. */
function calls(replaced: Partial<FileCalls>): FileCalls {
  const real: FileCalls = fs;
  return {
    open: (path, flags, mode, answer) => real.open(path, flags, mode, answer),
    openSync: (path, flags) => real.openSync(path, flags),
    close: (descriptor, answer) => real.close(descriptor, answer),
    readSync: (descriptor, bytes, start, count, position) =>
      real.readSync(descriptor, bytes, start, count, position),
    writev: (descriptor, pieces, position, answer) =>
      real.writev(descriptor, pieces, position, answer),
    writevSync: (descriptor, pieces, position) => real.writevSync(descriptor, pieces, position),
    ftruncate: (descriptor, bytes, answer) => real.ftruncate(descriptor, bytes, answer),
    fsync: (descriptor, answer) => real.fsync(descriptor, answer),
    fdatasync: (descriptor, answer) => real.fdatasync(descriptor, answer),
    unlink: (path, answer) => real.unlink(path, answer),
    ...replaced,
  };
}

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: as it was told to`), { code, errno: -1 });
}

function open(context: TestContext, options: FileDiskOptions = {}, path?: string): FileDisk {
  // Calls that are watched or replaced are those of a thread, also for a few bytes.
  const all = options.calls === undefined ? options : { atOnceBytesMax: 0, ...options };
  const disk = new FileDisk(path ?? temporaryDirectory(context), all);
  context.after(() => new Promise((resolve) => disk.close(resolve)));
  return disk;
}

/** The answer of one operation, which must not come from inside the call. */
function answered<Answer>(ask: (answer: (answer: Answer) => void) => void): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let isAsking = true;
    ask((answer) => (isAsking ? reject(new Error("answered inside the call")) : resolve(answer)));
    isAsking = false;
  });
}

const append = (disk: FileDisk, file: string, ...pieces: Uint8Array[]): Promise<AppendAnswer> =>
  answered((answer) => disk.append(file, pieces, answer));
const sync = (disk: FileDisk, file: string): Promise<"done" | DiskProblem> =>
  answered((answer) => disk.sync(file, answer));
const remove = (disk: FileDisk, file: string, from = 0): Promise<"done" | DiskProblem> =>
  answered((answer) => disk.remove(file, from, answer));

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const numbered = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => i);

test("what is appended is read, listed, cut, removed, and found after a reopening", async (t) => {
  const path = join(temporaryDirectory(t), "a", "b");
  const disk = open(t, {}, path);
  assert.deepEqual(disk.list(), []);
  assert.deepEqual(disk.read("one", 0, 10), bytes());
  assert.equal(await append(disk, "one", bytes(1, 2), bytes(), bytes(3)), "done");
  assert.equal(await append(disk, "one", bytes(4)), "done");
  assert.equal(await append(disk, "empty"), "done");
  assert.equal(await sync(disk, "one"), "done");
  assert.equal(await sync(disk, "nowhere"), "done");
  assert.deepEqual(disk.list(), [
    { name: "empty", bytes: 0 },
    { name: "one", bytes: 4 },
  ]);
  assert.deepEqual(disk.read("one", 1, 2), bytes(2, 3));
  assert.deepEqual(disk.read("one", 3, 1e9), bytes(4));
  assert.deepEqual(disk.read("one", 4, 1), bytes());
  assert.deepEqual(disk.read("one", 5, 1), bytes());
  const read = disk.read("one", 0, 4);
  assert.equal(Object.getPrototypeOf(read), Uint8Array.prototype, "a slice of it is a copy");
  assert.equal(await remove(disk, "one", 9), "done");
  assert.equal(await remove(disk, "one", 2), "done");
  assert.deepEqual(disk.read("one", 0, 9), bytes(1, 2));
  assert.equal(await append(disk, "one", bytes(7)), "done");
  assert.equal(await remove(disk, "empty"), "done");
  assert.equal(await remove(disk, "nowhere"), "done");
  fs.mkdirSync(join(path, "directory"));
  fs.writeFileSync(join(path, ".hidden"), "x");
  const again = open(t, {}, path);
  for (const opened of [disk, again]) {
    assert.deepEqual(opened.list(), [{ name: "one", bytes: 3 }]);
    assert.deepEqual(opened.read("one", 0, 9), bytes(1, 2, 7));
  }
});

test("one file answers in the order of asking, and takes everything at once", async (t) => {
  const disk = open(t);
  const heard: string[] = [];
  const hear = (what: string) => (): unknown => heard.push(what);
  disk.append("log", [numbered(100)], hear("append 1"));
  disk.sync("log", hear("sync 1"));
  disk.append("log", [numbered(100)], hear("append 2"));
  disk.remove("log", 150, hear("cut"));
  disk.remove("log", 0, hear("remove"));
  disk.append("log", [bytes(9)], hear("append 3"));
  assert.deepEqual(disk.read("log", 0, 10), bytes(), "nothing is answered yet");
  assert.equal(await sync(disk, "log"), "done");
  assert.deepEqual(heard, ["append 1", "sync 1", "append 2", "cut", "remove", "append 3"]);
  assert.deepEqual(disk.read("log", 0, 10), bytes(9));
});

test("an append is one call of the system, and a read is one", async (t) => {
  const counts = { writev: 0, readSync: 0 };
  const real = calls({});
  const counting = calls({
    writev: (...given) => {
      counts.writev++;
      real.writev(...given);
    },
    readSync: (...given) => {
      counts.readSync++;
      return real.readSync(...given);
    },
  });
  const disk = open(t, { calls: counting });
  await append(disk, "log", ...Array.from({ length: 3000 }, () => bytes(1, 2, 3)));
  assert.equal(disk.read("log", 0, 9000).length, 9000);
  assert.deepEqual(counts, { writev: 1, readSync: 1 });
});

test("short writes and short reads are carried on until everything is through", async (t) => {
  const real = calls({});
  const sparing = calls({
    writev: (descriptor, pieces, position, answer) => {
      // Five bytes at most, which may end within a piece, at its end, or behind empty ones.
      const some = Buffer.concat(pieces).subarray(0, 5);
      real.writev(descriptor, [some], position, answer);
    },
    readSync: (descriptor, into, start, count, position) =>
      real.readSync(descriptor, into, start, Math.min(count, 3), position),
  });
  const disk = open(t, { calls: sparing });
  const pieces = [1, 0, 4, 5, 0, 0, 11, 2, 7].map((length, i) => numbered(length).fill(i));
  assert.equal(await append(disk, "log", bytes(99)), "done");
  assert.equal(await append(disk, "log", ...pieces), "done");
  assert.deepEqual(disk.read("log", 1, 99), new Uint8Array(Buffer.concat(pieces)));
});

test("a file system without room takes nothing of an append, and more when there is room", (t) => {
  const path = temporaryDirectory(t);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", path], { stdio: "ignore" });
  } catch {
    return t.skip("this user may not mount a small file system");
  }
  return fillUp(path).finally(() => execFileSync("umount", ["-l", path]));
});

async function fillUp(path: string): Promise<void> {
  const disk = new FileDisk(path);
  assert.equal(await append(disk, "ballast", new Uint8Array(32 * 1024)), "done");
  assert.equal(await append(disk, "log", bytes(1, 2, 3)), "done");
  assert.equal(await append(disk, "log", numbered(40 * 1024), numbered(9)), "full");
  assert.deepEqual(disk.read("log", 0, 99), bytes(1, 2, 3));
  assert.equal(fs.statSync(join(path, "log")).size, 3);
  assert.equal(await append(disk, "log", bytes(4)), "done");
  assert.equal(await sync(disk, "log"), "done");
  assert.equal(await remove(disk, "ballast"), "done");
  assert.equal(await append(disk, "log", numbered(40 * 1024)), "done");
  assert.equal(fs.statSync(join(path, "log")).size, 4 + 40 * 1024);
  assert.equal(disk.problem, undefined);
  assert.equal(await answered<"done" | DiskProblem>((answer) => disk.close(answer)), "done");
}

test("an append and a sync in one breath are one durable write, into room taken ahead", async (t) => {
  const made: string[] = [];
  const real = calls({});
  const watched = calls({
    open: (path, flags, mode, answer) => {
      made.push((flags & fs.constants.O_DSYNC) === 0 ? "open" : "open durable");
      real.open(path, flags, mode, answer);
    },
    writev: (descriptor, pieces, position, answer) => {
      made.push(`write ${Buffer.concat(pieces).length} at ${position}`);
      real.writev(descriptor, pieces, position, answer);
    },
    fdatasync: (descriptor, answer) => {
      made.push("sync");
      real.fdatasync(descriptor, answer);
    },
    fsync: (descriptor, answer) => {
      made.push("sync names");
      real.fsync(descriptor, answer);
    },
  });
  const directory = temporaryDirectory(t);
  const disk = new FileDisk(directory, { calls: watched, atOnceBytesMax: 0 });
  const both = async (...pieces: Uint8Array[]): Promise<void> => {
    const appended = append(disk, "log", ...pieces);
    assert.equal(await sync(disk, "log"), "done");
    assert.equal(await appended, "done");
  };
  await both(numbered(3));
  const room = 1024 * 1024;
  const first = ["open", "open durable", `write ${3 + room} at 0`, "sync", "write 3 at 0"];
  assert.deepEqual(made.splice(0), [...first, "sync names"]);
  await both(numbered(4), numbered(5));
  assert.deepEqual(made.splice(0), ["write 9 at 3"]);
  assert.equal(fs.statSync(join(directory, "log")).size, 3 + room);
  assert.deepEqual(disk.list(), [{ name: "log", bytes: 12 }]);
  assert.deepEqual(disk.read("log", 0, 99).slice(0, 12).length, 12);
  // What was appended without a sync before is not forgotten by a durable write behind it.
  assert.equal(await append(disk, "log", numbered(1)), "done");
  await both(numbered(1));
  assert.deepEqual(made.splice(0), ["write 1 at 12", "write 1 at 13", "sync"]);
  assert.equal(await remove(disk, "log", 14), "done");
  assert.equal(fs.statSync(join(directory, "log")).size, 14);
  await both(numbered(2));
  await answered<"done" | DiskProblem>((answer) => disk.close(answer));
  assert.equal(fs.statSync(join(directory, "log")).size, 16, "a stop in order leaves no zeros");
});

test("a few bytes that are appended at once meet no room, and failures, like any others", async (t) => {
  let code = "";
  const real = calls({});
  const failing = calls({
    writevSync: (...given) => {
      if (code !== "") throw failure(code);
      return real.writevSync(...given);
    },
  });
  const disk = open(t, { calls: failing, atOnceBytesMax: 10 });
  assert.equal(await append(disk, "log", bytes(1)), "done");
  code = "ENOSPC";
  assert.equal(await append(disk, "log", bytes(2)), "full");
  code = "";
  assert.equal(await append(disk, "log", bytes(3)), "done");
  assert.deepEqual(disk.read("log", 0, 9), bytes(1, 3));
  code = "EIO";
  assert.match(((await append(disk, "log", bytes(4))) as DiskProblem).problem, /could not write/);
  assert.match(((await append(disk, "log", bytes(4))) as DiskProblem).problem, /could not write/);
});

test("no room, told at once, in the middle, or when a file is made", async (t) => {
  for (const code of ["ENOSPC", "EDQUOT"]) {
    const real = calls({});
    let room = 0;
    let mayOpen = false;
    const narrow = calls({
      open: (path, flags, mode, answer) =>
        mayOpen ? real.open(path, flags, mode, answer) : setImmediate(answer, failure(code), -1),
      writev: (descriptor, pieces, position, answer) => {
        const some = Buffer.concat(pieces).subarray(0, room);
        if (room === 0) return void setImmediate(answer, failure(code), 0);
        room -= some.length;
        real.writev(descriptor, [some], position, answer);
      },
    });
    const disk = open(t, { calls: narrow });
    assert.equal(await append(disk, "log", bytes(1)), "full");
    assert.deepEqual(disk.list(), []);
    mayOpen = true;
    assert.equal(await append(disk, "log", bytes(1)), "full");
    room = 4;
    assert.equal(await append(disk, "log", bytes(1, 2)), "done");
    assert.equal(await append(disk, "log", bytes(3), bytes(4, 5)), "full");
    assert.deepEqual(fs.readFileSync(join(disk.path, "log")), Buffer.of(1, 2));
    room = 9;
    assert.equal(await append(disk, "log", bytes(6)), "done");
    assert.deepEqual(disk.read("log", 0, 99), bytes(1, 2, 6));
    assert.equal(disk.problem, undefined);
  }
});

test("after the first failure nothing is tried, and all are told the same", async (t) => {
  const failing: readonly (readonly [Partial<FileCalls>, RegExp])[] = [
    [
      { fdatasync: (_, answer) => void setImmediate(answer, failure("EIO")) },
      /sync .*log \(EIO.*device/,
    ],
    [
      { writev: (_, __, ___, answer) => void setImmediate(answer, failure("EROFS"), 0) },
      /write .*log \(EROFS.*read-only/,
    ],
    [
      { writev: (_, __, ___, answer) => void setImmediate(answer, null, 0) },
      /write .*log \(the system took no bytes/,
    ],
    [
      { open: (_, __, ___, answer) => void setImmediate(answer, failure("EMFILE"), -1) },
      /open .*log \(EMFILE.*ulimit/,
    ],
    [
      {
        writev: (_, __, ___, answer) => void setImmediate(answer, failure("ENOSPC"), 0),
        ftruncate: (_, __, answer) => void setImmediate(answer, failure("EIO")),
      },
      /cut back .*log \(EIO/,
    ],
    // The first sync covers the directory too.
    [{ fsync: (_, answer) => void setImmediate(answer, failure("EIO")) }, /sync .*gramme-disk/],
  ];
  for (const [replaced, expected] of failing) {
    let count = 0;
    const watched = Object.entries(calls(replaced)).map(([name, call]) => {
      const counted = (...given: unknown[]): unknown => {
        if (name !== "close") count++;
        return (call as (...args: unknown[]) => unknown)(...given);
      };
      return [name, counted];
    });
    const disk = open(t, { calls: Object.fromEntries(watched) as FileCalls });
    const answers = Promise.all([append(disk, "log", bytes(1)), sync(disk, "log")]);
    const problem = (await answers)[1] as DiskProblem;
    assert.match(problem.problem, expected);
    assert.equal(disk.problem, problem);
    const before = count;
    assert.equal(await append(disk, "log", bytes(2)), problem);
    assert.equal(await sync(disk, "log"), problem);
    assert.equal(await remove(disk, "log"), problem);
    assert.equal(await append(disk, "other", bytes(2)), problem);
    assert.equal(count, before);
  }
});

test("bytes that cannot be read are not absent", async (t) => {
  let isBroken = false;
  const real = calls({});
  const broken = calls({
    readSync: (...given) => {
      if (isBroken) throw failure("EIO");
      return real.readSync(...given);
    },
  });
  const disk = open(t, { calls: broken });
  await append(disk, "log", bytes(1, 2, 3));
  isBroken = true;
  assert.equal(disk.read("log", 0, 3), UNREADABLE);
  assert.deepEqual(disk.read("log", 3, 3), bytes());
  isBroken = false;
  assert.deepEqual(disk.read("log", 0, 3), bytes(1, 2, 3));
  const elsewhere = open(t, {}, disk.path);
  fs.unlinkSync(join(disk.path, "log"));
  assert.equal(elsewhere.read("log", 0, 3), UNREADABLE);
});

test("the directory is synced when a name came or went, and not otherwise", async (t) => {
  const synced: string[] = [];
  const real = calls({});
  const watched = calls({
    fsync: (descriptor, answer) => {
      synced.push(fs.fstatSync(descriptor).isDirectory() ? "directory" : "file");
      real.fsync(descriptor, answer);
    },
    fdatasync: (descriptor, answer) => {
      synced.push("data");
      real.fdatasync(descriptor, answer);
    },
  });
  const disk = open(t, { calls: watched });
  const since = (): string[] => synced.splice(0);
  await append(disk, "a", bytes(1));
  assert.deepEqual(since(), []);
  await sync(disk, "a");
  assert.deepEqual(since(), ["data", "directory"]);
  await append(disk, "a", bytes(1));
  await sync(disk, "a");
  assert.deepEqual(since(), ["data"]);
  await remove(disk, "a", 1);
  assert.deepEqual(since(), ["file"]);
  await append(disk, "b", bytes(1));
  await sync(disk, "a");
  assert.deepEqual(since(), ["directory"]);
  await remove(disk, "b");
  assert.deepEqual(since(), []);
  await sync(disk, "b");
  await sync(disk, "b");
  assert.deepEqual(since(), ["directory"]);
});

test("descriptors are few, and never taken from a file that is worked on", async (t) => {
  const opened = new Set<number>();
  let openMax = 0;
  const stalled: (() => void)[] = [];
  const real = calls({});
  const note = (descriptor: number): number => {
    opened.add(descriptor);
    openMax = Math.max(openMax, opened.size);
    return descriptor;
  };
  const watched = calls({
    open: (path, flags, mode, answer) =>
      real.open(path, flags, mode, (error, descriptor) => answer(error, note(descriptor))),
    openSync: (path, flags) => note(real.openSync(path, flags)),
    close: (descriptor, answer) => {
      opened.delete(descriptor);
      real.close(descriptor, answer);
    },
    writev: (descriptor, pieces, position, answer) => {
      if (pieces[0]![0] !== 255) return real.writev(descriptor, pieces, position, answer);
      stalled.push(() => real.writev(descriptor, pieces, position, answer));
    },
  });
  const disk = open(t, { calls: watched, descriptorsMax: 4 });
  for (let i = 0; i < 30; i++) await append(disk, `f${i}`, bytes(i, i + 1));
  assert.ok(openMax <= 4, `${openMax} open`);
  const slow = append(disk, "slow", bytes(255));
  while (stalled.length === 0) await new Promise(setImmediate);
  for (let i = 0; i < 30; i++) assert.deepEqual(disk.read(`f${i}`, 0, 2), bytes(i, i + 1));
  for (let i = 0; i < 30; i++) {
    assert.equal(await sync(disk, `f${i}`), "done");
    assert.deepEqual(disk.read(`f${i}`, 1, 9), bytes(i + 1));
  }
  stalled[0]!();
  assert.equal(await slow, "done");
  assert.deepEqual(disk.read("slow", 0, 9), bytes(255));
  assert.ok(openMax <= 4, `${openMax} open`);
});

test("a read opens what an append is opening, and no descriptor is lost", async (t) => {
  const path = temporaryDirectory(t);
  fs.writeFileSync(join(path, "log"), Buffer.of(1, 2));
  let openCount = 0;
  const real = calls({});
  const disk = new FileDisk(path, {
    calls: calls({
      open: (...given) => {
        openCount++;
        real.open(...given);
      },
      openSync: (...given) => {
        openCount++;
        return real.openSync(...given);
      },
      close: (descriptor, answer) => {
        openCount--;
        real.close(descriptor, answer);
      },
    }),
  });
  const appending = append(disk, "log", bytes(3));
  assert.deepEqual(disk.read("log", 0, 9), bytes(1, 2));
  assert.equal(await appending, "done");
  assert.deepEqual(disk.read("log", 0, 9), bytes(1, 2, 3));
  assert.equal(openCount, 1);
  await answered<unknown>((answer) => disk.close(answer));
  assert.equal(openCount, -1, "and the directory, which is opened apart");
});

test("reads go on while a file is removed, and none is answered with half of it", async (t) => {
  const disk = open(t);
  await append(disk, "log", numbered(100));
  const removing = remove(disk, "log");
  let isOver = false;
  void removing.then(() => (isOver = true));
  while (!isOver) {
    const read = disk.read("log", 0, 200);
    assert.ok(read.length === 100 || read.length === 0);
    await new Promise(setImmediate);
  }
  assert.deepEqual(disk.list(), []);
  assert.deepEqual(fs.readdirSync(disk.path), []);
});

test("closing waits for what is under way; afterwards nothing may be asked", async (t) => {
  const disk = new FileDisk(temporaryDirectory(t));
  const heard: string[] = [];
  disk.append("log", [bytes(1)], () => heard.push("append"));
  disk.sync("log", () => heard.push("sync"));
  assert.equal(await answered<"done" | DiskProblem>((answer) => disk.close(answer)), "done");
  assert.deepEqual(heard, ["append", "sync"]);
  assert.throws(() => disk.read("log", 0, 1), /closed/);
  const late = (await append(disk, "log", bytes(2))) as DiskProblem;
  assert.match(late.problem, /closed before/);
  const inside = new FileDisk(temporaryDirectory(t));
  await new Promise((resolve) => inside.append("log", [], () => inside.close(resolve)));
});

test("a read that fails for want of descriptors or rights is no damage, and ends the disk", async (t) => {
  for (const code of ["EMFILE", "EACCES"]) {
    const failing = calls({
      readSync: () => {
        throw failure(code);
      },
    });
    const disk = open(t, { calls: failing });
    await append(disk, "log", bytes(1, 2, 3));
    assert.equal(disk.read("log", 0, 3), UNREADABLE);
    assert.match(((await append(disk, "log", bytes(4))) as DiskProblem).problem, /could not read/);
  }
});

test("a callback that throws harms nobody else", async (t) => {
  const thrown: unknown[] = [];
  const real = calls({});
  const catching = calls({
    writev: (descriptor, pieces, position, answer) =>
      real.writev(descriptor, pieces, position, (error, written) => {
        try {
          answer(error, written);
        } catch (mistake) {
          thrown.push(mistake);
        }
      }),
  });
  const disk = open(t, { calls: catching });
  const mistake = new Error("of the caller");
  disk.append("log", [bytes(1)], () => {
    throw mistake;
  });
  assert.equal(await append(disk, "log", bytes(2)), "done");
  assert.deepEqual(thrown, [mistake]);
  assert.deepEqual(disk.read("log", 0, 9), bytes(1, 2));
});

test("a name that is none, or that would lead elsewhere, is a bug", (t) => {
  const disk = open(t);
  for (const name of ["", ".", "..", ".lock", "a/b", "../a", "a\0b"]) {
    assert.throws(() => disk.sync(name, () => {}), /no name of a file/);
    assert.deepEqual(disk.read(name, 0, 1), bytes());
  }
});

test("a path that is no directory is refused by name, with what to do", (t) => {
  const path = join(temporaryDirectory(t), "file");
  fs.writeFileSync(path, "");
  for (const wrong of [path, join(path, "below")]) {
    assert.throws(
      () => new FileDisk(wrong),
      (error) => {
        assert.ok(error instanceof DirectoryError);
        assert.equal(error.path, wrong);
        assert.match(error.message, /not a directory.*name a directory/);
        return true;
      },
    );
  }
});

test("a file system that nobody can write to is read all the same", async (t) => {
  const path = temporaryDirectory(t);
  fs.writeFileSync(join(path, "a"), "text");
  const openSync: FileCalls["openSync"] = (file, flags) => {
    if (flags !== fs.constants.O_RDONLY) throw failure("EROFS");
    return fs.openSync(file, flags);
  };
  const disk = open(t, { calls: calls({ openSync }) }, path);
  assert.deepEqual(disk.read("a", 0, 9), new Uint8Array(Buffer.from("text")));
  assert.equal(disk.problem, undefined);
});

test("a directory of somebody else is refused by name, with what to do", (t) => {
  const path = temporaryDirectory(t);
  const own = process.getuid?.();
  if (own === undefined) return t.skip("this system has no users to tell apart");
  fs.chmodSync(path, own === 0 ? 0o700 : 0o500);
  const program = `
    // The superuser may do everything, so it becomes somebody else once the program is loaded.
    const { FileDisk } = await import(${JSON.stringify(new URL("file-disk.js", import.meta.url))});
    if (process.getuid() === 0) process.setuid(65534);
    try { new FileDisk(${JSON.stringify(path)}) } catch (error) { console.log(error.message) }`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", program]).toString();
  assert.ok(said.includes(path));
  assert.match(said, /EACCES.*give the user of this process the right/);
});

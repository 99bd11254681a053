import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { LAYOUT_NODES_MAX } from "../core/ring/layout.ts";
import type { AppendAnswer, Disk } from "../core/storage/disk.ts";
import { AddressFile } from "./address-file.ts";
import { FileDisk } from "./file-disk.ts";

/** In a directory of its own; what is done on a disk is over when the next one is opened. */
async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gramme-addresses-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function opened<T>(folder: string, use: (file: AddressFile) => T): Promise<T> {
  const disk = new FileDisk(folder);
  const file = new AddressFile(disk);
  const result = use(file);
  await file.close();
  await new Promise<void>((resolve) => {
    disk.close(() => resolve());
  });
  return result;
}

function remembering(pairs: Readonly<Record<string, string>>): (file: AddressFile) => void {
  return (file) => {
    for (const [member, address] of Object.entries(pairs)) file.remember(member, address);
  };
}

const stored = (folder: string): Promise<readonly string[]> =>
  opened(folder, ({ addresses }) => addresses);

test("address file: what was remembered is there at the next start", async () => {
  await inFolder(async (folder) => {
    assert.deepEqual(await stored(folder), []);
    await opened(folder, remembering({ n2: "db2:7400" }));
    await opened(folder, remembering({ n3: "[::1]:7400" }));
    await opened(folder, remembering({ n2: "db9:7400" }));
    assert.deepEqual(await stored(folder), ["[::1]:7400", "db9:7400"]);
    await opened(folder, remembering({ n2: "db9:7400" }));
    const text = readFileSync(join(folder, "addresses-1"), "utf8");
    assert.match(text, /^gramme addresses 3\nn3 \[::1\]:7400\nn2 db9:7400\nsum [0-9a-f]{8}\n$/);
  });
});

test("address file: of a damaged one the one before is known, of two nothing", async () => {
  await inFolder(async (folder) => {
    await opened(folder, remembering({ n2: "db2:7400" }));
    await opened(folder, remembering({ n3: "db3:7400" }));
    const file = join(folder, "addresses-0");
    const bytes = readFileSync(file);
    for (let at = 0; at < bytes.length; at++) {
      const harmed = Buffer.from(bytes);
      harmed[at]! ^= 4;
      writeFileSync(file, harmed);
      assert.deepEqual(await stored(folder), ["db2:7400"], `byte ${at}`);
    }
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(file, bytes.subarray(0, length));
      assert.deepEqual(await stored(folder), ["db2:7400"], `${length} bytes`);
    }
    writeFileSync(join(folder, "addresses-1"), "");
    assert.deepEqual(await stored(folder), []);
    await opened(folder, remembering({ n4: "db4:7400" }));
    assert.deepEqual(await stored(folder), ["db4:7400"]);
  });
});

test("address file: it is bounded, and the oldest goes first", async () => {
  await inFolder(async (folder) => {
    await opened(folder, (file) => {
      for (let n = 0; n <= LAYOUT_NODES_MAX; n++) file.remember(`n${n}`, `db${n}:7400`);
      assert.equal(file.addresses.length, LAYOUT_NODES_MAX);
      assert.equal(file.addresses[0], "db1:7400");
    });
  });
});

test("address file: one write at a time, and a full disk is no trouble", async () => {
  const asked: string[] = [];
  const answers: ((answer: AppendAnswer) => void)[] = [];
  const later = (what: string, answer: (answer: AppendAnswer) => void): void => {
    asked.push(what);
    answers.push(answer);
  };
  const disk: Disk = {
    list: () => [],
    read: () => new Uint8Array(0),
    append: (file, _pieces, answer) => later(`append ${file}`, answer),
    sync: (file, answer) => later(`sync ${file}`, answer as (answer: AppendAnswer) => void),
    remove: (file, _from, answer) =>
      later(`remove ${file}`, answer as (answer: AppendAnswer) => void),
  };
  const file = new AddressFile(disk);
  for (const n of [1, 2, 3]) file.remember("n2", `db${n}:7400`);
  answers.shift()!("done");
  answers.shift()!("full");
  answers.shift()!("done");
  answers.shift()!("done");
  const closed = file.close();
  file.remember("n2", "db4:7400");
  answers.shift()!("done");
  await closed;
  assert.deepEqual(asked, [
    "remove addresses-1",
    "append addresses-1",
    "remove addresses-0",
    "append addresses-0",
    "sync addresses-0",
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "../base/crc32c.ts";
import type { AppendAnswer } from "../storage/disk.ts";
import { encodeIdentity } from "./identity-codec.ts";
import { IDENTITY_FILES, IdentityFile } from "./identity-file.ts";
import type { Identity } from "./identity.ts";
import { ScriptedDisk } from "./scripted-disk.test.ts";

function identity(leaseEnd: number): Identity {
  return {
    clusterId: "c1",
    nodeId: "n1",
    actor: { high: 1, low: 2 },
    generation: 5,
    leaseEnd,
    bootFloor: 0,
    isClean: false,
    isSettled: true,
    place: "7/1",
    rows: undefined,
    layout: "",
  };
}

function write(disk: ScriptedDisk, file: IdentityFile, leaseEnd: number): AppendAnswer | undefined {
  let heard: AppendAnswer | undefined;
  file.write(identity(leaseEnd), (answer) => (heard = answer));
  assert.equal(heard, undefined, "never from inside the call");
  disk.run();
  return heard;
}

function leaseEndOn(disk: ScriptedDisk): number | string {
  const { stored } = new IdentityFile(disk);
  return stored.kind === "found" ? stored.identity.leaseEnd : stored.kind;
}

test("an empty disk holds nothing; what was written is found, on both files", () => {
  const disk = new ScriptedDisk();
  const file = new IdentityFile(disk);
  assert.deepEqual(file.stored, { kind: "nothing" });
  assert.equal(write(disk, file, 10), "done");
  assert.deepEqual(
    disk.calls,
    ["identity-1", "identity-0"].flatMap((name) => [
      `remove ${name}`,
      `append ${name}`,
      `sync ${name}`,
    ]),
  );
  assert.deepEqual(new IdentityFile(disk).stored, { kind: "found", identity: identity(10) });
});

test("a crash at any moment leaves the state before or the state after", () => {
  for (let steps = 0; steps < 7; steps++) {
    const disk = new ScriptedDisk();
    write(disk, new IdentityFile(disk), 10);
    let isDone = false;
    new IdentityFile(disk).write(identity(20), () => (isDone = true));
    for (let i = 0; i < steps; i++) disk.step();
    const after = disk.crash();
    const found = leaseEndOn(after);
    assert.ok(found === 20 || (found === 10 && !isDone), `${found} after ${steps} steps`);
    assert.equal(isDone, steps >= 6);
    // Whatever is left is enough to go on, and to survive the next crash.
    assert.equal(write(after, new IdentityFile(after), 30), "done");
    assert.equal(leaseEndOn(after.crash()), 30);
  }
});

test("whatever was answered done survives the loss of either copy", () => {
  const losses: ((disk: ScriptedDisk, name: string) => void)[] = [
    (disk, name) => disk.files.delete(name),
    (disk, name) => disk.files.set(name, new Uint8Array()),
    (disk, name) =>
      disk.files.set(
        name,
        disk.files.get(name)!.map((byte) => byte ^ 1),
      ),
    (disk, name) => disk.files.set(name, disk.files.get(name)!.subarray(0, 20)),
    (disk, name) => disk.unreadable.add(name),
  ];
  for (const lose of losses) {
    for (const name of IDENTITY_FILES) {
      const disk = new ScriptedDisk();
      for (const leaseEnd of [10, 20, 30]) write(disk, new IdentityFile(disk), leaseEnd);
      lose(disk, name);
      assert.equal(leaseEndOn(disk), 30);
      const file = new IdentityFile(disk);
      disk.unreadable.clear();
      write(disk, file, 40);
      assert.equal(leaseEndOn(disk), 40);
    }
  }
});

test("a crash while one copy is rotten never brings the older state back", () => {
  for (let steps = 0; steps < 7; steps++) {
    const disk = new ScriptedDisk();
    for (const leaseEnd of [10, 20]) write(disk, new IdentityFile(disk), leaseEnd);
    const current = disk.files.get("identity-0")!;
    disk.files.set("identity-0", Uint8Array.of(9));
    disk.durable.set("identity-0", Uint8Array.of(9));
    assert.ok(current.length > 1);
    new IdentityFile(disk).write(identity(30), () => {});
    for (let i = 0; i < steps; i++) disk.step();
    const found = leaseEndOn(disk.crash());
    assert.ok(found === 20 || found === 30, `${found} after ${steps} steps`);
  }
});

test("files that nobody can read are damaged, not nothing, and are written over", () => {
  for (const name of IDENTITY_FILES) {
    for (const bytes of [new Uint8Array(), Uint8Array.of(1, 2, 3), new Uint8Array(5000)]) {
      const disk = new ScriptedDisk();
      disk.files.set(name, bytes);
      const file = new IdentityFile(disk);
      assert.deepEqual(file.stored, { kind: "damaged" });
      assert.equal(write(disk, file, 10), "done");
      assert.equal(leaseEndOn(disk), 10);
    }
  }
  const misplaced = new ScriptedDisk();
  misplaced.files.set("identity-0", encodeIdentity({ copy: 1, identity: identity(10) }));
  assert.equal(leaseEndOn(misplaced), "damaged");
});

test("a full disk is an answer: what was written stays, and a later write may find room", () => {
  for (const written of [0, 1]) {
    const disk = new ScriptedDisk();
    const file = new IdentityFile(disk);
    write(disk, file, 10);
    let heard: AppendAnswer | undefined;
    file.write(identity(20), (answer) => (heard = answer));
    if (written === 1) for (let i = 0; i < 3; i++) disk.step();
    disk.faults.set("append", "full");
    disk.run();
    assert.equal(heard, "full");
    assert.equal(leaseEndOn(disk.crash()), written === 0 ? 10 : 20);
    assert.equal(write(disk, file, 30), "done");
    assert.equal(leaseEndOn(disk.crash()), 30);
  }
});

test("a problem is told to all who wait, and nothing is written after it", () => {
  for (const call of ["remove", "append", "sync"] as const) {
    const disk = new ScriptedDisk();
    const file = new IdentityFile(disk);
    disk.faults.set(call, { problem: "broken" });
    const heard: AppendAnswer[] = [];
    for (const leaseEnd of [10, 20, 30]) {
      file.write(identity(leaseEnd), (answer) => heard.push(answer));
    }
    // The first call was made before the others asked: the fault of a removal strikes at once.
    disk.run();
    assert.deepEqual(heard, [{ problem: "broken" }, { problem: "broken" }, { problem: "broken" }]);
    const calls = disk.calls.length;
    assert.throws(() => file.write(identity(40), () => {}), /disk that failed/);
    assert.equal(disk.calls.length, calls);
  }
});

test("what is asked for meanwhile becomes one write, the last one", () => {
  const disk = new ScriptedDisk();
  const file = new IdentityFile(disk);
  const heard: string[] = [];
  for (const leaseEnd of [10, 20, 30]) {
    file.write(identity(leaseEnd), (answer) => heard.push(`${leaseEnd} ${answer as string}`));
  }
  file.write(identity(40), () => file.write(identity(50), () => heard.push("50 done")));
  disk.run();
  assert.deepEqual(heard, ["10 done", "20 done", "30 done", "50 done"]);
  assert.equal(disk.calls.filter((call) => call.startsWith("sync")).length, 6);
  assert.equal(leaseEndOn(disk), 50);
});

test("a copy of a later version is reported and never overwritten", () => {
  const disk = new ScriptedDisk();
  write(disk, new IdentityFile(disk), 10);
  const bytes = encodeIdentity({ copy: 4, identity: identity(10) });
  disk.files.set("identity-0", laterVersion(bytes));
  const file = new IdentityFile(disk);
  assert.deepEqual(file.stored, { kind: "newer", version: 4 });
  assert.throws(() => file.write(identity(20), () => {}), /later version/);
});

function laterVersion(bytes: Uint8Array): Uint8Array {
  const end = bytes.length - 4;
  const later = bytes.slice();
  later[4] = 4;
  new DataView(later.buffer).setUint32(end, crc32c(later, 0, end, 0));
  return later;
}

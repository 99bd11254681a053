import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Boot } from "../core/identity/boot.ts";
import { decideBoot } from "../core/identity/boot.ts";
import type { Identity } from "../core/identity/identity.ts";
import { type DataDirectory, openDataDirectory } from "./data-directory.ts";
import { DirectoryHeldError } from "./directory-error.ts";
import { temporaryDirectory } from "./temporary-directory.test.ts";

const BOOT: Omit<Boot, "place"> = {
  clusterId: "c1",
  nodeId: "n1",
  freshActor: { high: 1, low: 2 },
  wallMs: 1_000,
  engineLost: false,
  rows: undefined,
  layout: "",
  restored: false,
  knownGeneration: undefined,
};

interface Booted {
  readonly reason: string;
  readonly identity: Identity;
}

/** Boots, makes the identity durable, and stops, clean or not. */
async function bootOnce(
  path: string,
  fields: Partial<Boot> & { clean?: boolean },
): Promise<Booted> {
  const { clean = true, ...boot } = fields;
  const directory = openDataDirectory(path);
  const { place, identityFile } = directory;
  const decided = decideBoot(identityFile.stored, { ...BOOT, place, ...boot });
  assert.ok("identity" in decided);
  const { reason, identity } = decided;
  await write(directory, identity);
  if (clean) await write(directory, { ...identity, isClean: true });
  await close(directory);
  return { reason, identity };
}

function write({ identityFile }: DataDirectory, identity: Identity): Promise<void> {
  return new Promise((resolve) => {
    identityFile.write(identity, (answer) => {
      assert.equal(answer, "done");
      resolve();
    });
  });
}

function close(directory: DataDirectory): Promise<unknown> {
  return new Promise((resolve) => directory.close(resolve));
}

test("an identity comes back with its directory, boot after boot", async (t) => {
  const path = join(temporaryDirectory(t), "node", "data");
  const boots = [await bootOnce(path, {}), await bootOnce(path, { clean: false })];
  boots.push(await bootOnce(path, {}), await bootOnce(path, {}));
  assert.deepEqual(
    boots.map(({ reason }) => reason),
    ["first", "clean", "unclean", "clean"],
  );
  assert.deepEqual(
    boots.map(({ identity }) => identity.generation),
    [1_000, 1_001, 1_002, 1_003],
  );
  assert.equal(new Set(boots.map(({ identity }) => identity.place)).size, 1);
  assert.match(boots[0]!.identity.place, /^\d+(\/\d+(\.\d+)?)?$/);
  assert.deepEqual(fs.readdirSync(path).sort(), ["identity-0", "identity-1"]);
});

test("a copy of a directory is known as one, however it was made", async (t) => {
  const parent = temporaryDirectory(t);
  const path = join(parent, "data");
  await bootOnce(path, {});
  fs.cpSync(path, join(parent, "copy"), { recursive: true, preserveTimestamps: true });
  const freshActor = { high: 8, low: 9 };
  const copy = await bootOnce(join(parent, "copy"), { freshActor });
  assert.equal(copy.reason, "copied");
  assert.deepEqual(copy.identity.actor, freshActor);
  assert.equal((await bootOnce(path, {})).reason, "clean");
  // A directory that was moved is the same one.
  fs.renameSync(path, join(parent, "moved"));
  assert.equal((await bootOnce(join(parent, "moved"), {})).reason, "clean");
});

test("both copies of the identity gone bad: another actor, and the directory heals", async (t) => {
  const path = temporaryDirectory(t);
  await bootOnce(path, {});
  for (const name of ["identity-0", "identity-1"]) fs.truncateSync(join(path, name), 30);
  const freshActor = { high: 8, low: 9 };
  const booted = await bootOnce(path, { freshActor });
  assert.equal(booted.reason, "damaged");
  assert.deepEqual(booted.identity.actor, freshActor);
  assert.equal((await bootOnce(path, {})).reason, "clean");
});

test("a directory is opened once at a time, and free again after a failed opening", async (t) => {
  const path = temporaryDirectory(t);
  const directory = openDataDirectory(path);
  assert.throws(() => openDataDirectory(path), DirectoryHeldError);
  assert.throws(() => openDataDirectory(path), /in use by this process/);
  await close(directory);
  await close(openDataDirectory(path));
});

/**
 * The shortest program: a store inside this process. It needs no server, no files and no network.
 */
import { GrammeError, json, open, text } from "gramme";

interface User {
  readonly name: string;
  readonly logins: number;
}

await using db = await open({ memory: true });

// A store is a bucket itself: keys are text, values are whatever JSON can say.
await db.put("motto", "every node will do");
console.log(await db.get("motto"));
console.log(await db.get("no such key"));

// Buckets have types. An update reads, changes, and writes back.
const users = db.bucket("users", json<User>());
await users.put("ada", { name: "Ada", logins: 0 });
await users.update("ada", (user) => user && { ...user, logins: user.logins + 1 });
console.log(await users.get("ada"));

// Many at once, and what became of each.
const notes = db.bucket("notes", text);
const results = await notes.batch([
  { type: "put", key: "a", value: "first" },
  { type: "put", key: "b", value: "second" },
  { type: "delete", key: "c" },
]);
console.log(
  results.every(({ ok }) => ok),
  await notes.getMany(["a", "b", "c"]),
);
console.log(await notes.delete("a"), await notes.delete("a"));

// Errors have a code to decide by, and say what to do.
try {
  await users.get("");
} catch (error) {
  if (GrammeError.is(error, "INVALID_ARGUMENT")) console.log(error.message);
}

/**
 * Loaded into a node before its program (`node --import`): makes every sync of a file as slow as
 * the process around it says over the channel, `{ syncMs: 200 }`; 0 is as fast as the disk is.
 *
 * A disk that takes long to sync cannot be had without a device of its own, and to the node it is
 * the same: the callback comes later. What is written is written at once all the same.
 */
import * as fs from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";

type Sync = typeof fs.fdatasync;

// The object behind the module can be changed, its view as a module cannot.
const changeable = createRequire(import.meta.url)("node:fs") as {
  -readonly [K in keyof typeof fs]: (typeof fs)[K];
};

let syncMs = 0;

process.on("message", (message) => {
  syncMs = (message as { readonly syncMs: number }).syncMs;
});

function slowed(sync: Sync): Sync {
  const slow = (descriptor: number, callback: fs.NoParamCallback): void => {
    if (syncMs === 0) return sync(descriptor, callback);
    setTimeout(() => sync(descriptor, callback), syncMs);
  };
  return Object.assign(slow, { __promisify__: sync.__promisify__ });
}

changeable.fdatasync = slowed(fs.fdatasync);
changeable.fsync = slowed(fs.fsync);
syncBuiltinESMExports();

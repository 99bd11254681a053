/**
 * A client of a cluster that runs elsewhere. It learns the layout from any member and then talks to
 * owners directly.
 *
 *     gramme dev                                in one terminal
 *     node remote-client.js 127.0.0.1:7411      in another
 */
import { connect, json } from "gramme/client";

interface Reading {
  readonly celsius: number;
}

const addresses = process.argv.length > 2 ? process.argv.slice(2) : ["127.0.0.1:7411"];
await using db = await connect(addresses);

const { nodes, replicas } = db.layout();
console.log(`${nodes.length} nodes, ${replicas} owners for a key`);

const readings = db.bucket("readings", json<Reading>());
const { receipt } = await readings.put("kitchen", { celsius: 21.5 }, { w: "all", timeoutMs: 500 });
console.log(`${receipt.held} owners hold it`);

// The loosest and the strictest read of the same key.
console.log(await readings.get("kitchen", { consistency: "one" }));
console.log(await readings.get("kitchen", { consistency: "all" }));

// A call may be given up.
const controller = new AbortController();
const reading = readings.get("cellar", { signal: controller.signal });
controller.abort();
console.log(await reading.catch((error: { code: string }) => error.code));

/**
 * A cluster in one process: three nodes, each with its own store, connected over the loopback. In
 * production each runs on a machine of its own, with the same settings.
 *
 * Every node owns every key here, since a key has three owners. Reads and writes need two of them.
 */
import { open } from "gramme";

const port = Number(process.env["PORT"] ?? 7411);
const peers = ["n1", "n2", "n3"].map((id, index) => ({ id, address: `127.0.0.1:${port + index}` }));

// Together, because each waits a moment for the others.
const [first, second, third] = await Promise.all(
  peers.map(({ id, address }) => open({ node: { id, listen: address, peers } })),
);

const { receipt } = await first!.put("motto", "every node will do", { consistency: "all" });
console.log(`stored by ${receipt.held} of ${receipt.needed} owners`);

// What one has acknowledged, all of them read.
console.log(await second!.get("motto"));

// Any one may fail: the other two go on, and no election is held.
await third!.close();
await first!.put("motto", "two of three are enough");
console.log(await second!.get("motto"));

// What two cannot do is refused, with both numbers.
try {
  await first!.put("motto", "all of them?", { consistency: "all", retries: 0 });
} catch (error) {
  console.log((error as Error).message);
}

await Promise.all([first!.close(), second!.close()]);

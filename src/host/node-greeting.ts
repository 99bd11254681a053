/** How a node greets: its peers, its clients, and whoever comes while it waits. */
import { type Greeting, PROTOCOL_MAX, PROTOCOL_MIN } from "../core/wire/greeting.ts";
import type { Host } from "./host.ts";

/** `address`: where others can reach it. */
export function nodeGreeting(host: Host, address: string): Greeting {
  const layout = host.layout();
  return {
    protocolMin: PROTOCOL_MIN,
    protocolMax: PROTOCOL_MAX,
    role: "node",
    clusterId: layout.clusterId,
    nodeId: host.id,
    generation: host.generation,
    layoutEpoch: layout.epoch,
    layoutFingerprint: layout.fingerprint(),
    address,
    era: host.era,
  };
}

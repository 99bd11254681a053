/**
 * `gramme`: a leaderless, always-writable, replicated key-value store, in this process or
 * elsewhere.
 *
 *     import { open } from "gramme";
 *     await using db = await open({ memory: true });
 *     await db.put("motto", "every node will do");
 *
 * `open` leads everywhere; everything else comes from the client, whose calls are the same for all.
 */
export { open } from "./open.ts";
export type { ClusterOptions, MemoryOptions, NodeOptions, OpenOptions } from "./open.ts";
export type { NodeSettings } from "./host/cluster-settings.ts";
export type { MemberSettings } from "./host/member-settings.ts";
export type { HostLimits } from "./host/host-limits.ts";
export type { HostFact, TransportFact } from "./host/host-fact.ts";
export type { Fact } from "./core/facts.ts";
export type { NodeConfig } from "./core/config.ts";
export * from "./client/index.ts";

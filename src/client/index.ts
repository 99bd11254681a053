/**
 * `gramme/client`: a remote client and nothing else. It loads no server code; the store it opens is
 * the same as that of `gramme`.
 *
 *     import { connect, json } from "gramme/client";
 *     await using db = await connect(["127.0.0.1:7411"]);
 */
export { connect } from "./connect.ts";
export type { RemoteOptions } from "./remote-options.ts";
export type { Store } from "./store.ts";
export type { Bucket, BucketOptions } from "./bucket.ts";
export type { Siblings, Stored } from "./single-key.ts";
export type { BatchItem, BatchResult } from "./batch.ts";
export type { Change } from "./update.ts";
export type {
  CallOptions,
  DeleteOptions,
  GetOptions,
  OwnerCount,
  PutOptions,
  UpdateOptions,
} from "./call-options.ts";
export { bytes, text } from "./codec.ts";
export type { Codec } from "./codec.ts";
export { json } from "./json-codec.ts";
export type { OutputOf, SchemaIssue, SchemaResult, StandardSchema } from "./json-codec.ts";
export { resolver } from "./resolver.ts";
export type { Resolver } from "./resolver.ts";
export { Context } from "./context.ts";
export { GrammeError } from "./gramme-error.ts";
export type { ErrorCode } from "./gramme-error.ts";
export type { HeldBack } from "../core/caller/door-outcome.ts";
export type { Receipt } from "./receipt.ts";
export type { UserKey } from "./user-key.ts";
export type { LayoutView, NodeView } from "./layout-view.ts";
export type { NodeStatus, PeerStatus, RepairStatus } from "../host/node-status.ts";
export type { BucketMode } from "../core/requests.ts";

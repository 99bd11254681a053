/**
 * What a host observes beside its node: its data, connections and their ends. One stream with the
 * facts of the core, so that logs, metrics and tests have one place to listen.
 */
import type { BootReason } from "../core/identity/boot.ts";
import type { Fact } from "../core/facts.ts";
import type { NodeId } from "../core/ring/node-id.ts";

export type StorageFact = {
  readonly kind: "storage-opened";
  readonly reason: BootReason;
  /** What a clean stop does not leave, in words; empty when nothing. */
  readonly findings: string;
  readonly generation: number;
};

/** What becomes of rows that were put back: see `settle-rows.ts`. */
export type SettlingFact =
  /** Said when it is not as before. */
  | { readonly kind: "rows-unsettled"; readonly era: number; readonly waits: string }
  | { readonly kind: "rows-kept"; readonly era: number }
  | { readonly kind: "rows-given-up"; readonly era: number; readonly path: string };

export type TransportFact =
  | { readonly kind: "listening"; readonly address: string }
  /** A greeting was answered with a refusal, by us or by them; nothing was exchanged. */
  | {
      readonly kind: "connection-refused";
      readonly by: "us" | "them";
      readonly remote: string;
      readonly code: string;
      readonly message: string;
      /** The generation that an older boot came after, when whoever refuses it says so. */
      readonly known?: number;
    }
  /** A connection ended before the two sides had greeted each other. */
  | { readonly kind: "greeting-failed"; readonly remote: string; readonly reason: string }
  /**
   * What came of asking who is at a seed, said when it is not as the last time; the problem is
   * empty when there was none.
   */
  | {
      readonly kind: "seed-asked";
      readonly seed: string;
      readonly met: readonly NodeId[];
      readonly problem: string;
    }
  | { readonly kind: "link-closed"; readonly peer: NodeId; readonly reason: string }
  /**
   * The first of a row of messages that found no room on their way to a peer; the status counts
   * them all.
   */
  | { readonly kind: "sends-dropped"; readonly peer: NodeId; readonly outboundBytes: number }
  | { readonly kind: "client-closed"; readonly remote: string; readonly reason: string };

export type HostFact = Fact | StorageFact | SettlingFact | TransportFact;

/**
 * The five doors out of a node.
 *
 * A sink records: it returns nothing, suspends nothing and never calls back into the node while the
 * node runs. The host turns the calls into bytes and syscalls at its own pace; the simulator turns
 * them into events.
 */
import type { NodeId } from "./ring/node-id.ts";
import type { RowWrite } from "./storage/engine.ts";
import type { Message } from "./messages.ts";
import type { Outcome } from "./outcomes.ts";
import type { Fact } from "./facts.ts";

/** Monotonic milliseconds. Where zero lies is the host's business. */
export type Instant = number;

export interface Effects {
  /**
   * Best effort: the message may be lost, doubled, reordered or very late. `isPatient`: no client
   * waits for it, whatever its kind, and what clients wait for may overtake it.
   */
  send(to: NodeId, message: Message, isPatient?: boolean): void;
  /**
   * Visible to reads at once; `Node.completed` is called with the token when all of it is durable.
   */
  persist(writes: readonly RowWrite[], token: number): void;
  /** Exactly once for each request the node was given. */
  reply(request: number, outcome: Outcome): void;
  /**
   * Connect to whoever is at this address, or, when a member is named, to that one: `located` says
   * who was there. Best effort; whoever is not found is looked for again.
   */
  contact(address: string, member: NodeId | undefined): void;
  /** An observation: logs, metrics, the simulator's trace and test assertions derive from it. */
  note(fact: Fact): void;
}

/**
 * The one way into a cluster, whoever stands behind it: a node in this process, or sockets to nodes
 * elsewhere.
 *
 * A request goes in with the function that settles it. No promise is made here: the public API
 * makes one for each request of its user, and a program that wants none pays for none. Everything
 * that can go wrong with a connection arrives as an outcome; a door never throws for it.
 */
import type { DoorOutcome } from "../core/caller/door-outcome.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { ClientRequest } from "../core/requests.ts";

export type Settle = (outcome: DoorOutcome) => void;

export interface Door {
  /**
   * Starts a request and answers its number. `request.id` is ignored, the number is the door's own.
   * `settle` is called exactly once and never inside this call, or not at all after `cancel`; what
   * it throws is nobody's to catch.
   */
  submit(request: ClientRequest, settle: Settle): number;
  /**
   * Forgets who waits. A write that is on its way may still take effect. An unknown number is no
   * error.
   */
  cancel(id: number): void;
  layout(): Layout;
  /** Waits a bounded time for open requests, then ends; whatever is still open settles. */
  close(): Promise<void>;
}

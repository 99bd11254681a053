/**
 * One operation of a client, from its first try to its end.
 *
 *     try ──▶ done ──────────────────────────────────▶ ok
 *      ▲└───▶ failed ── else ────────────────────────▶ fail · info
 *      └ wait ◀─ may be tried again
 *
 * Whether and after which wait it is tried again, the client library's own rule decides. That a
 * node was down, died or kept silent is a failure like others.
 */
import type { ShareBudget } from "../core/base/share-budget.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import type { DoorOutcome } from "../core/caller/door-outcome.ts";
import { Retries } from "../core/caller/retries.ts";
import type { Throttle } from "../core/caller/throttle.ts";
import type { ClientRequest } from "../core/requests.ts";
import type { RecordedEntry } from "./recorded-entry.ts";

/** Whose operation it is. Once closed, nothing is tried again for it. */
export interface Asker {
  readonly name: string;
  readonly isClosed: boolean;
  readonly retryBudget: ShareBudget;
  /** Undefined for who asks however often it is refused. */
  readonly throttle: Throttle | undefined;
}

/** A handle: filled in when the operation ends. */
export class ClientOperation {
  readonly asker: Asker;
  readonly entry: RecordedEntry;
  readonly retries: Retries;
  outcome: DoorOutcome | undefined = undefined;
  /** Called once, when the operation ends, maybe from inside a node: it may schedule, not act. */
  onDone: (() => void) | undefined = undefined;

  constructor(asker: Asker, entry: RecordedEntry, request: ClientRequest, retriesMax: number) {
    this.asker = asker;
    this.entry = entry;
    const { timeoutMs } = request;
    const deadlineAt = timeoutMs === 0 ? Infinity : entry.invokedAt + timeoutMs;
    this.retries = new Retries(request, retriesMax, deadlineAt, asker.retryBudget);
    asker.retryBudget.earn();
  }

  /** The context for a later write; no bytes when there was none. */
  get context(): Uint8Array {
    return this.outcome?.context ?? EMPTY_BYTES;
  }

  get isDone(): boolean {
    return this.entry.status !== "open";
  }
}

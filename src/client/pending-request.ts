/**
 * A request of a remote client from `submit` to its outcome: what was asked, who waits, where it
 * was sent.
 *
 * `connection` is where it may have taken effect: set while an answer can come, and unset when it
 * is known that none was carried out, because it was refused or never left. That decides what a
 * loss or a deadline means for a write.
 */
import type { Timed } from "../core/deadlines.ts";
import { Deadline } from "../core/deadlines.ts";
import type { ClientRequest } from "../core/requests.ts";
import type { Connection } from "./connection.ts";
import type { Settle } from "./door.ts";

export interface PendingOwner {
  onExpired(pending: PendingRequest): void;
}

export class PendingRequest implements Timed {
  readonly id: number;
  readonly request: ClientRequest;
  readonly settle: Settle;
  readonly deadline: Deadline = new Deadline(this);
  /** When the node should have answered; the deadline is a little later. */
  readonly answerBy: number;
  connection: Connection | undefined = undefined;
  sendCount = 0;
  /** The last time. */
  sentAt = 0;
  /** Of the connection, when it was sent there: if that stays, nothing at all came back. */
  receivedBytesBefore = 0;
  readonly #owner: PendingOwner;

  constructor(
    id: number,
    request: ClientRequest,
    settle: Settle,
    owner: PendingOwner,
    answerBy: number,
  ) {
    this.id = id;
    this.request = request;
    this.settle = settle;
    this.#owner = owner;
    this.answerBy = answerBy;
  }

  get isRead(): boolean {
    return this.request.operation === "get";
  }

  onDeadline(): void {
    this.#owner.onExpired(this);
  }
}

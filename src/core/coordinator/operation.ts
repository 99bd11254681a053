/**
 * One request at its coordinator, from admission until nobody is waited for.
 *
 *     open ──answer──▶ answered ──last owner spoke, or deadline──▶ closed
 *
 * Answering the client and being finished are two moments: what owners say after the answer still
 * feeds read repair and still tells how fast they are. The answer is given exactly once.
 */
import { assert } from "../base/assert.ts";
import type { Context } from "../causality/context.ts";
import { sealContext } from "../causality/sealed-context.ts";
import { Deadline } from "../deadlines.ts";
import type { Timed } from "../deadlines.ts";
import type { Instant } from "../effects.ts";
import type { Refusal } from "../messages.ts";
import { answer } from "../messages.ts";
import type { Outcome, Receipt } from "../outcomes.ts";
import type { ClientRequest } from "../requests.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Desk, Place } from "./desk.ts";
import type { Tally } from "./quorum.ts";

/** A request as admitted: validated numbers in place of words, and who wants the answer. */
export interface Admitted {
  readonly id: number;
  readonly request: ClientRequest;
  readonly place: Place;
  readonly owners: readonly NodeId[];
  /** Layout epoch that the owners are of. */
  readonly epoch: number;
  /** In which it began: what it sends bears that one. */
  readonly era: number;
  /** Owners that must answer the reading part and hold the writing part. */
  readonly readNeeded: number;
  readonly writeNeeded: number;
  /** Of those, owners proper: nobody may stand in for them. */
  readonly readProper: number;
  readonly writeProper: number;
  readonly context: Context | undefined;
  /** The peer that forwarded the request; undefined when it came through this node's own door. */
  readonly asker: NodeId | undefined;
  readonly startedAt: Instant;
  readonly deadlineAt: Instant;
  readonly bytes: number;
}

/** What is left of its time, in whole milliseconds, as messages carry it. */
export function remainingMs({ deadlineAt }: Admitted, now: Instant): number {
  return Math.max(0, Math.ceil(deadlineAt - now));
}

export abstract class Operation implements Timed {
  readonly admitted: Admitted;
  protected readonly desk: Desk;
  protected readonly deadline: Deadline;
  #isAnswered = false;
  #isClosed = false;

  constructor(desk: Desk, admitted: Admitted) {
    this.desk = desk;
    this.admitted = admitted;
    this.deadline = new Deadline(this);
  }

  abstract start(now: Instant): void;
  abstract onDeadline(now: Instant): void;
  /** Its time is over: it is answered, if it is not yet, and nobody is waited for any longer. */
  abstract expire(now: Instant): void;
  /** Nobody is waited for any longer: a silence so far counts as an answer that took this long. */
  protected abstract giveUpOnSilent(now: Instant): void;
  /** The connection to an owner ended, or its answer will not come. */
  abstract onLost(now: Instant, owner: number): void;

  /**
   * Nobody waits for the answer any more. A write that was sent goes on, since owners may hold it;
   * what has only asked asks nobody else.
   */
  abandon(_now: Instant): void {}

  onWritten(_now: Instant, _owner: number): void {}
  onSame(_now: Instant, _owner: number): void {}
  onHeld(_now: Instant, _owner: number, _record: Uint8Array): void {}
  onRefused(now: Instant, owner: number, _reason: Refusal): void {
    this.onLost(now, owner);
  }
  onAnswer(_now: Instant, _from: NodeId, _outcome: Outcome): void {}

  /** This node was asked to stand in for an owner, and has not said anything yet. */
  hasStandIn(_node: NodeId): boolean {
    return false;
  }
  /** It keeps the write for that owner. */
  onHinted(_now: Instant, _node: NodeId): void {}
  /** What it keeps for that owner. */
  onHeldFor(_now: Instant, _node: NodeId, _record: Uint8Array): void {}
  onStandInRefused(now: Instant, node: NodeId, _reason: Refusal): void {
    this.desk.liveness.onSpoke(node);
    this.onStandInLost(now, node);
  }
  /** It keeps nothing, or will not say. */
  onStandInLost(_now: Instant, _node: NodeId): void {}

  onPeerLost(now: Instant, peer: NodeId): void {
    const owner = this.admitted.owners.indexOf(peer);
    if (owner >= 0) return this.onLost(now, owner);
    if (this.hasStandIn(peer)) this.onStandInLost(now, peer);
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  protected ownerIndex(): number {
    return this.admitted.owners.indexOf(this.desk.self);
  }

  protected remainingMs(now: Instant): number {
    return remainingMs(this.admitted, now);
  }

  protected answerWith(now: Instant, outcome: Outcome): void {
    assert(!this.#isAnswered, `request ${this.admitted.id} answered twice`);
    this.#isAnswered = true;
    const { asker, request, startedAt } = this.admitted;
    const { effects } = this.desk;
    this.desk.answered(now, this.admitted);
    effects.note({
      kind: "request-finished",
      operation: request.operation,
      outcome: outcome.kind === "failed" ? outcome.code : outcome.kind,
      elapsedMs: now - startedAt,
    });
    if (asker === undefined) effects.reply(request.id, outcome);
    else effects.send(asker, answer(request.id, outcome));
  }

  protected close(now: Instant): void {
    if (this.#isClosed) return;
    assert(this.#isAnswered, `request ${this.admitted.id} closed without an answer`);
    this.#isClosed = true;
    this.giveUpOnSilent(now);
    this.desk.deadlines.cancel(this.deadline);
    this.desk.close(this.admitted.id);
  }

  /**
   * Answered: stay for the late ones, unless everybody has spoken or the desk is full of waiting.
   */
  protected linger(now: Instant, isComplete: boolean): void {
    if (isComplete || this.desk.isCrowded) this.close(now);
  }

  protected seal(context: Context): Uint8Array {
    return sealContext(this.desk.secret, this.admitted.place.key, context);
  }

  protected receipt(tally: Tally, held: number, siblings: number): Receipt {
    return {
      coordinator: this.desk.self,
      epoch: this.admitted.epoch,
      needed: tally.needed,
      answered: tally.yes,
      held,
      hinted: tally.stoodIn,
      siblings,
    };
  }
}

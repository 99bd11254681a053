/**
 * A request at a node that does not own its key: sent on, once, to an owner, whose answer goes
 * back.
 *
 * A read whose owner is lost is sent to the next one. A write is not: the lost owner may have done
 * it, and only the client can say whether doing it again is right.
 */
import type { Instant } from "../effects.ts";
import { ask } from "../messages.ts";
import type { Outcome } from "../outcomes.ts";
import { failed } from "../outcomes.ts";
import { withEnvelope } from "../requests.ts";
import type { NodeId } from "../ring/node-id.ts";
import { Operation } from "./operation.ts";

export class ForwardOperation extends Operation {
  /** Owners that were tried, as bits. */
  #tried = 0;
  #asked = -1;
  #askedAt: Instant = 0;

  start(now: Instant): void {
    this.desk.deadlines.set(this.deadline, this.admitted.deadlineAt);
    this.#askNext(now);
  }

  override onAnswer(now: Instant, from: NodeId, outcome: Outcome): void {
    const owner = this.admitted.owners.indexOf(from);
    if (owner !== this.#asked) return;
    this.#asked = -1;
    this.desk.liveness.onAnswered(from, now - this.#askedAt);
    if (outcome.kind === "failed" && this.#isUntouched(outcome.code)) {
      return this.#askNext(now, outcome);
    }
    this.#finish(now, outcome);
  }

  onLost(now: Instant, owner: number): void {
    if (owner !== this.#asked) return;
    if (this.admitted.request.operation === "get") return this.#askNext(now);
    this.#finish(
      now,
      failed("OUTCOME_UNKNOWN", `${this.admitted.owners[owner]} was lost while it coordinated`, {
        needed: this.admitted.writeNeeded,
      }),
    );
  }

  override abandon(now: Instant): void {
    if (this.admitted.request.operation !== "get") return;
    this.#finish(now, failed("QUORUM_NOT_MET", "its client is gone", this.#numbers()));
  }

  protected override giveUpOnSilent(now: Instant): void {
    const asked = this.#forgetAsked();
    if (asked !== undefined) this.desk.liveness.onGivenUp(asked, now - this.#askedAt);
  }

  onDeadline(now: Instant): void {
    this.expire(now);
  }

  expire(now: Instant): void {
    const asked = this.#forgetAsked();
    if (asked !== undefined) this.desk.liveness.onSilent(asked, now - this.#askedAt);
    const { operation } = this.admitted.request;
    const code = operation === "get" ? "QUORUM_NOT_MET" : "OUTCOME_UNKNOWN";
    this.#finish(now, failed(code, "the coordinator did not answer in time", this.#numbers()));
  }

  /** Who is waited for, and no longer. */
  #forgetAsked(): NodeId | undefined {
    const asked = this.admitted.owners[this.#asked];
    this.#asked = -1;
    return asked;
  }

  /** Refusals that promise the owner did nothing and that another owner may not share. */
  #isUntouched(code: string): boolean {
    return code === "DAMAGED" || code === "OVERLOADED" || code === "NOT_OWNER";
  }

  #askNext(now: Instant, last?: Outcome): void {
    const owner = this.#next();
    if (owner < 0) {
      const none = failed("QUORUM_NOT_MET", "no owner can be reached", this.#numbers());
      return this.#finish(now, last ?? none);
    }
    this.#tried |= 1 << owner;
    this.#asked = owner;
    this.#askedAt = now;
    const { id, owners, request, place } = this.admitted;
    const target = owners[owner]!;
    const { effects, liveness } = this.desk;
    liveness.onAsked(target);
    const envelope = {
      id,
      timeoutMs: Math.max(1, this.remainingMs(now)),
      wallMs: request.wallMs,
      forwarded: true,
    };
    effects.send(target, ask(withEnvelope(request, envelope)));
    effects.note({ kind: "request-forwarded", key: place.key, to: target });
  }

  /** Home first while it is as good as the others; a busy or silent home gives way. */
  #next(): number {
    const { liveness } = this.desk;
    let best = -1;
    let bestCost = Number.POSITIVE_INFINITY;
    for (let owner = 0; owner < this.admitted.owners.length; owner++) {
      const target = this.admitted.owners[owner]!;
      if ((this.#tried & (1 << owner)) !== 0 || !liveness.isLinked(target)) continue;
      const isHome = owner === 0 && liveness.isHeard(target);
      const cost = liveness.cost(target) * (isHome ? 0.5 : 1);
      if (cost < bestCost) {
        best = owner;
        bestCost = cost;
      }
    }
    return best;
  }

  #numbers(): { needed: number; got: number } {
    const { request, readNeeded, writeNeeded } = this.admitted;
    return { needed: request.operation === "get" ? readNeeded : writeNeeded, got: 0 };
  }

  #finish(now: Instant, outcome: Outcome): void {
    this.answerWith(now, outcome);
    this.close(now);
  }
}

/**
 * A read.
 *
 *     gathering ──R owners answered──▶ answered: found │ not found ──last asked spoke──▶ closed
 *         │                                                      └─ late answers are mended
 *         ├─ too few owners can still answer ──▶ QUORUM_NOT_MET, at once
 *         └─ deadline ──▶ QUORUM_NOT_MET
 */
import { siblingsOf } from "../causality/register.ts";
import type { Instant } from "../effects.ts";
import type { Refusal } from "../messages.ts";
import { failed } from "../outcomes.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Desk } from "./desk.ts";
import { Gather } from "./gather.ts";
import { Operation } from "./operation.ts";
import type { Admitted } from "./operation.ts";

export class GetOperation extends Operation {
  readonly #gather: Gather;

  constructor(desk: Desk, admitted: Admitted) {
    super(desk, admitted);
    this.#gather = new Gather(desk, admitted);
  }

  start(now: Instant): void {
    const { spareAfterMs } = this.desk.config;
    this.desk.deadlines.set(this.deadline, Math.min(now + spareAfterMs, this.admitted.deadlineAt));
    this.#gather.start(now);
    this.#proceed(now);
  }

  override onSame(now: Instant, owner: number): void {
    this.#gather.onSame(now, owner);
    this.#proceed(now);
  }

  override onHeld(now: Instant, owner: number, record: Uint8Array): void {
    this.#gather.onHeld(now, owner, record);
    this.#proceed(now);
  }

  override onRefused(now: Instant, owner: number, reason: Refusal): void {
    this.#gather.onRefused(now, owner, reason);
    this.#proceed(now);
  }

  onLost(now: Instant, owner: number): void {
    this.#gather.onLost(now, owner);
    this.#proceed(now);
  }

  override standsInFor(peer: NodeId): number {
    return this.#gather.standsInFor(peer);
  }

  override onHeldFor(now: Instant, owner: number, record: Uint8Array): void {
    this.#gather.onHeldFor(owner, record);
    this.#proceed(now);
  }

  override onStandInLost(now: Instant, owner: number): void {
    this.#gather.onStandInLost(now, owner);
    this.#proceed(now);
  }

  onDeadline(now: Instant): void {
    const { deadlineAt } = this.admitted;
    if (now < deadlineAt) {
      if (!this.isAnswered) this.#gather.askSpares(now);
      this.desk.deadlines.set(this.deadline, deadlineAt);
      return;
    }
    if (!this.isAnswered) this.#fail(now, "owners did not answer in time");
    this.close(now);
  }

  protected override giveUpOnSilent(now: Instant): void {
    this.#gather.giveUpOnSilent(now);
  }

  #proceed(now: Instant): void {
    const { tally } = this.#gather;
    if (!this.isAnswered) {
      if (tally.isMet) this.#succeed(now);
      else if (tally.isImpossible) this.#fail(now, "too few owners can be reached");
    }
    if (!this.isAnswered) return;
    if (tally.isImpossible && this.#gather.isComplete) this.#gather.settleUnmet();
    this.linger(now, this.#gather.isComplete);
  }

  #succeed(now: Instant): void {
    const gather = this.#gather;
    const merged = gather.merged();
    const all = siblingsOf(merged);
    const siblings = this.admitted.request.mode === "lww" ? all.slice(0, 1) : all;
    const context = this.seal(merged.context);
    const receipt = this.receipt(gather.tally, gather.heldMask(), siblings.length);
    if (siblings.length > 1) {
      const { key } = this.admitted.place;
      this.desk.effects.note({ kind: "siblings-seen", key, count: siblings.length });
    }
    this.answerWith(
      now,
      siblings.length === 0
        ? { kind: "not-found", context, receipt }
        : { kind: "found", siblings, context, receipt },
    );
    gather.settle();
  }

  #fail(now: Instant, detail: string): void {
    const { needed, got } = this.#gather.tally;
    this.answerWith(now, failed("QUORUM_NOT_MET", detail, { needed, got }));
  }
}

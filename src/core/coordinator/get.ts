/**
 * A read.
 *
 *     gathering ──R owners answered──▶ answered: found │ not found ──last asked spoke──▶ closed
 *         │                                                      └─ late answers are mended
 *         ├─ silent for longer than usual ──▶ one more owner is asked, if the budget allows it
 *         ├─ silent for spareAfterMs ──▶ all others are asked
 *         ├─ too few owners can still answer ──▶ QUORUM_NOT_MET, at once
 *         └─ deadline ──▶ QUORUM_NOT_MET
 *
 * The further question (a hedge) goes out when the asked owners have taken longer than they do 95
 * times of 100. It cuts the long tail of a read whose owner has just paused; it is paid from a
 * budget, and a node with much to do asks nobody twice.
 */
import type { Record } from "../causality/record.ts";
import { siblingsOf } from "../causality/register.ts";
import type { Instant } from "../effects.ts";
import type { Refusal } from "../messages.ts";
import { failed } from "../outcomes.ts";
import type { NodeId } from "../ring/node-id.ts";
import type { Desk } from "./desk.ts";
import { Gather } from "./gather.ts";
import { Operation } from "./operation.ts";
import type { Admitted } from "./operation.ts";

/** However quick the owners are, so long is no reason to ask another. */
const HEDGE_AFTER_MS_MIN = 1;

export class GetOperation extends Operation {
  protected readonly gather: Gather;

  constructor(desk: Desk, admitted: Admitted) {
    super(desk, admitted);
    this.gather = new Gather(desk, admitted);
  }

  start(now: Instant): void {
    const { desk, admitted } = this;
    desk.hedges.earn();
    this.gather.start(now);
    desk.deadlines.set(
      this.deadline,
      Math.min(now + this.#firstWaveAfterMs(), admitted.deadlineAt),
    );
    this.proceed(now);
  }

  override onSame(now: Instant, owner: number): void {
    this.gather.onSame(now, owner);
    this.proceed(now);
  }

  override onHeld(now: Instant, owner: number, record: Uint8Array): void {
    this.gather.onHeld(now, owner, record);
    this.proceed(now);
  }

  override onRefused(now: Instant, owner: number, reason: Refusal): void {
    this.gather.onRefused(now, owner, reason);
    this.proceed(now);
  }

  onLost(now: Instant, owner: number): void {
    this.gather.onLost(now, owner);
    this.proceed(now);
  }

  override hasStandIn(node: NodeId): boolean {
    return this.gather.hasStandIn(node);
  }

  override onHeldFor(now: Instant, node: NodeId, record: Uint8Array): void {
    this.gather.onHeldFor(now, node, record);
    this.proceed(now);
  }

  override onStandInLost(now: Instant, node: NodeId): void {
    this.gather.onStandInLost(now, node);
    this.proceed(now);
  }

  onDeadline(now: Instant): void {
    const { deadlineAt } = this.admitted;
    if (now < deadlineAt && this.isAnswered) {
      return this.desk.deadlines.set(this.deadline, deadlineAt);
    }
    if (now < deadlineAt) return this.onWave(now);
    this.expire(now);
  }

  expire(now: Instant): void {
    if (!this.isAnswered) this.fail(now, "owners did not answer in time");
    this.close(now);
  }

  override abandon(now: Instant): void {
    this.fail(now, "its client is gone");
    this.proceed(now);
  }

  protected override giveUpOnSilent(now: Instant): void {
    this.gather.giveUpOnSilent(now);
  }

  /** The asked owners are silent: one more is asked, and later everybody. */
  protected onWave(now: Instant): void {
    const { desk, admitted } = this;
    const spareAt = admitted.startedAt + desk.config.spareAfterMs;
    const isTimeForAll = now >= spareAt;
    const nextAt = isTimeForAll ? admitted.deadlineAt : Math.min(spareAt, admitted.deadlineAt);
    desk.deadlines.set(this.deadline, nextAt);
    if (isTimeForAll) this.gather.askSpares(now);
    else if (!desk.isBusy) this.gather.hedge(now);
  }

  protected proceed(now: Instant): void {
    const { tally } = this.gather;
    if (!this.isAnswered) {
      if (tally.isMet) this.onQuorum(now);
      else if (tally.isImpossible) this.fail(now, "too few owners can be reached");
    }
    if (!this.isAnswered) return;
    if (tally.isImpossible && this.gather.isComplete) this.gather.settleUnmet();
    this.linger(now, this.isComplete);
  }

  /** Enough owners have answered. */
  protected onQuorum(now: Instant): void {
    this.succeed(now, this.gather.merged(), this.gather.heldMask());
  }

  protected get isComplete(): boolean {
    return this.gather.isComplete;
  }

  /** `held` are the owners that hold exactly this record, as bits. */
  protected succeed(now: Instant, record: Record, held: number): void {
    const all = siblingsOf(record, this.desk.wall.ms);
    const siblings = this.admitted.request.mode === "lww" ? all.slice(0, 1) : all;
    const context = this.seal(record.context);
    const receipt = this.receipt(this.gather.tally, held, siblings.length);
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
    this.gather.settle(now, 0);
  }

  protected fail(now: Instant, detail: string): void {
    const { needed, got } = this.gather.tally;
    this.answerWith(now, failed("QUORUM_NOT_MET", detail, { needed, got }));
  }

  /** When to look whether somebody else should be asked. */
  #firstWaveAfterMs(): number {
    const { desk } = this;
    const { spareAfterMs } = desk.config;
    if (desk.hedges.isOff) return spareAfterMs;
    return Math.min(Math.max(this.gather.usualMaxMs(), HEDGE_AFTER_MS_MIN), spareAfterMs);
  }
}

/**
 * A deletion: a delta that covers the dots it saw and adds none. What it did not see survives it.
 *
 *     with a context      ──▶ spreading ──▶ as a put
 *     without             ──▶ gathering ──R owners answered──▶ never written: answered
 *                                                         └──▶ spreading what was seen
 *
 * A delete without a context means "whatever there is now", so it first reads R owners: to trust
 * the own row alone would leave standing what this node happened to miss.
 */
import type { Context } from "../causality/context.ts";
import { EMPTY_CONTEXT, contains } from "../causality/context.ts";
import { encodeRecord } from "../causality/record-codec.ts";
import type { Record } from "../causality/record.ts";
import { deleteDelta, EMPTY_RECORD } from "../causality/record.ts";
import { isExpired } from "../causality/register.ts";
import type { Instant } from "../effects.ts";
import type { Refusal } from "../messages.ts";
import type { Outcome } from "../outcomes.ts";
import { failed } from "../outcomes.ts";
import type { NodeId } from "../ring/node-id.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { Desk } from "./desk.ts";
import { Gather } from "./gather.ts";
import { Operation } from "./operation.ts";
import type { Admitted } from "./operation.ts";
import { Spread } from "./spread.ts";

export class DeleteOperation extends Operation {
  readonly #gather: Gather;
  readonly #spread: Spread;
  #isSpreading = false;
  #existed = false;
  #covered: Context = EMPTY_CONTEXT;

  constructor(desk: Desk, admitted: Admitted) {
    super(desk, admitted);
    this.#gather = new Gather(desk, admitted);
    this.#spread = new Spread(desk, admitted);
  }

  start(now: Instant): void {
    const { admitted, desk } = this;
    const reachable = Spread.reachable(desk, admitted);
    if (reachable < admitted.writeNeeded) {
      const numbers = { needed: admitted.writeNeeded, got: reachable };
      const detail = "too few nodes can be reached; nothing was deleted";
      this.answerWith(now, failed("QUORUM_NOT_MET", detail, numbers));
      return this.close(now);
    }
    if (admitted.context !== undefined) {
      const standInAt = now + desk.config.standInAfterMs;
      desk.deadlines.set(this.deadline, Math.min(standInAt, admitted.deadlineAt));
      return this.#spreadOver(now, admitted.context);
    }
    desk.deadlines.set(
      this.deadline,
      Math.min(now + desk.config.spareAfterMs, admitted.deadlineAt),
    );
    this.#gather.start(now);
    this.#proceed(now);
  }

  override onWritten(now: Instant, owner: number): void {
    this.#spread.onWritten(now, owner);
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
    if (this.#isSpreading) this.#spread.onRefused(now, owner);
    else this.#gather.onRefused(now, owner, reason);
    this.#proceed(now);
  }

  onLost(now: Instant, owner: number): void {
    if (this.#isSpreading) this.#spread.onLost(now, owner);
    else this.#gather.onLost(now, owner);
    this.#proceed(now);
  }

  override hasStandIn(node: NodeId): boolean {
    return this.#isSpreading ? this.#spread.hasStandIn(node) : this.#gather.hasStandIn(node);
  }

  override onHinted(now: Instant, node: NodeId): void {
    if (this.#isSpreading) this.#spread.onHinted(node);
    this.#proceed(now);
  }

  /** Also when it comes late: that something is kept does not say that the deletion is. */
  override onHeldFor(now: Instant, node: NodeId, record: Uint8Array): void {
    if (!this.#isSpreading) this.#gather.onHeldFor(now, node, record);
    this.#proceed(now);
  }

  /** That nothing is kept is an answer to the reading, which may be over. */
  override onStandInRefused(now: Instant, node: NodeId, reason: Refusal): void {
    if (this.#isSpreading && reason === "not-owner") return;
    super.onStandInRefused(now, node, reason);
  }

  override onStandInLost(now: Instant, node: NodeId): void {
    if (this.#isSpreading) this.#spread.onStandInLost(now, node);
    else this.#gather.onStandInLost(now, node);
    this.#proceed(now);
  }

  onDeadline(now: Instant): void {
    const { deadlineAt, startedAt } = this.admitted;
    if (now < deadlineAt) {
      const standInAt = startedAt + this.desk.config.standInAfterMs;
      const isTimeForStandIns = now >= standInAt;
      const againAt = isTimeForStandIns ? now + this.desk.config.standInAfterMs : standInAt;
      const nextAt = this.isAnswered ? deadlineAt : Math.min(againAt, deadlineAt);
      this.desk.deadlines.set(this.deadline, nextAt);
      if (this.isAnswered) return;
      if (!this.#isSpreading) this.#gather.askSpares(now);
      else if (isTimeForStandIns) this.#spread.replaceSilent(now);
      return this.#proceed(now);
    }
    this.expire(now);
  }

  expire(now: Instant): void {
    if (!this.isAnswered) this.answerWith(now, this.#failure("owners did not answer in time"));
    this.close(now);
  }

  override abandon(now: Instant): void {
    if (this.#isSpreading) return;
    this.answerWith(now, this.#failure("its client is gone"));
    this.#proceed(now);
  }

  protected override giveUpOnSilent(now: Instant): void {
    this.#gather.giveUpOnSilent(now);
    this.#spread.giveUpOnSilent(now);
  }

  #proceed(now: Instant): void {
    if (this.isClosed) return;
    if (!this.isAnswered && !this.#isSpreading) this.#proceedGathering(now);
    if (!this.isAnswered && this.#isSpreading) this.#proceedSpreading(now);
    if (!this.isAnswered || this.isClosed) return;
    if (this.#isSpreading) return this.linger(now, this.#spread.tally.isComplete);
    if (this.#gather.tally.isImpossible && this.#gather.isComplete) this.#gather.settleUnmet();
    this.linger(now, this.#gather.isComplete);
  }

  #proceedGathering(now: Instant): void {
    const { tally } = this.#gather;
    if (tally.isMet) {
      const merged = this.#gather.merged();
      // Also over a tombstone: that a deletion was seen somewhere does not mean that W owners hold
      // it.
      if (merged.context.length > 0) return this.#spreadOver(now, merged.context);
      this.answerWith(now, this.#deleted(this.#gather.heldMask()));
    } else if (tally.isImpossible) {
      this.answerWith(now, this.#failure("too few owners can be reached"));
    }
  }

  #spreadOver(now: Instant, covered: Context): void {
    const { desk, admitted } = this;
    const { place, id } = admitted;
    this.#covered = covered;
    const wallMs = desk.wall.ms;
    this.#existed = this.#seen().dots.some((dot) => {
      return contains(covered, dot, dot.n) && !isExpired(dot, wallMs);
    });
    this.#isSpreading = true;
    const record = deleteDelta(covered);
    const bytes = encodeRecord(record);
    // Not `storeOwn`: no dot is minted here, and a context may know more of this node's dots than
    // its row does.
    const refusal = desk.replica.apply(place, { record, bytes }, { to: desk.self, id });
    if (refusal !== undefined) this.#spread.tally.reject(this.ownerIndex());
    this.#spread.start(now, bytes);
    this.#proceed(now);
  }

  /** What the deletion may have found: the joined answers, or with a context just the own row. */
  #seen(): Record {
    if (this.admitted.context === undefined) return this.#gather.merged();
    const { partition, key } = this.admitted.place;
    const row = this.desk.replica.load(partition, key);
    return row === DAMAGED ? EMPTY_RECORD : row.record;
  }

  #proceedSpreading(now: Instant): void {
    const { tally } = this.#spread;
    if (tally.isMet) this.answerWith(now, this.#deleted(tally.yes));
    else if (tally.isImpossible) {
      this.answerWith(
        now,
        this.#failure("too few owners stored it: others were lost meanwhile, or have no room"),
      );
    }
  }

  #deleted(held: number): Outcome {
    const tally = this.#isSpreading ? this.#spread.tally : this.#gather.tally;
    const context = this.seal(this.#covered);
    const receipt = this.receipt(tally, held, 0);
    return { kind: "deleted", existed: this.#existed, context, receipt };
  }

  #failure(detail: string): Outcome {
    const { needed, got } = this.#isSpreading ? this.#spread.tally : this.#gather.tally;
    return failed(this.#isSpreading ? "OUTCOME_UNKNOWN" : "QUORUM_NOT_MET", detail, {
      needed,
      got,
    });
  }
}

/**
 * A read whose answer stays: whoever reads in a session after it ended sees at least as much.
 *
 *     gathering ──R owners proper answered──▶ a majority holds exactly that ──▶ answered
 *                                        └──▶ writing back ──a majority holds it──▶ answered
 *                                                 ├─ too few can hold it ──▶ QUORUM_NOT_MET
 *                                                 └─ deadline ──▶ QUORUM_NOT_MET
 *
 * An ordinary read may return what a single owner holds, and the next one may miss that owner. Here
 * the answer waits until a majority holds it: any later majority has one of them in it. (Mending
 * after the answer, as an ordinary read does, is too late: the next read may be quicker.)
 *
 * An owner that says that it holds the same may have it on its way to the disk still. What it says
 * stands as long as no owner stops; what is written back is durable.
 */
import type { Instant } from "../effects.ts";
import type { Refusal } from "../messages.ts";
import { failed } from "../outcomes.ts";
import { GetOperation } from "./get.ts";
import { bitCount } from "./quorum.ts";
import { WriteBack } from "./write-back.ts";

export class SessionGetOperation extends GetOperation {
  #writeBack: WriteBack | undefined = undefined;

  override onWritten(now: Instant, owner: number): void {
    this.#writeBack?.onWritten(now, owner);
    this.proceed(now);
  }

  /** One number stands for both questions: what is asked last is answered last. */
  override onRefused(now: Instant, owner: number, reason: Refusal): void {
    if (this.#writeBack === undefined || this.gather.isAwaited(owner)) {
      return super.onRefused(now, owner, reason);
    }
    this.#writeBack.onRefused(now, owner);
    this.proceed(now);
  }

  override onLost(now: Instant, owner: number): void {
    this.#writeBack?.onLost(now, owner);
    super.onLost(now, owner);
  }

  protected override giveUpOnSilent(now: Instant): void {
    this.#writeBack?.giveUpOnSilent(now);
    super.giveUpOnSilent(now);
  }

  protected override onWave(now: Instant): void {
    if (this.#writeBack === undefined) return super.onWave(now);
    this.desk.deadlines.set(this.deadline, this.admitted.deadlineAt);
    this.#writeBack.tellOthers(now);
    this.proceed(now);
  }

  protected override onQuorum(now: Instant): void {
    const writeBack = (this.#writeBack ??= this.#begin(now));
    if (writeBack === undefined || this.isAnswered) return;
    const { tally, record } = writeBack;
    if (tally.isMet) this.succeed(now, record, tally.yes);
    else if (tally.isImpossible) this.fail(now, "too few owners can hold what was read");
  }

  protected override fail(now: Instant, detail: string): void {
    if (this.#writeBack === undefined) return super.fail(now, detail);
    const { needed, got } = this.#writeBack.tally;
    this.answerWith(now, failed("QUORUM_NOT_MET", detail, { needed, got }));
  }

  protected override get isComplete(): boolean {
    return super.isComplete && (this.#writeBack?.isComplete ?? true);
  }

  /** Answers at once when there is nothing to write back. */
  #begin(now: Instant): WriteBack | undefined {
    const { gather, desk, admitted } = this;
    const merged = gather.merged();
    const held = gather.heldMask();
    if (bitCount(held) >= admitted.writeNeeded) {
      this.succeed(now, merged, held);
      return undefined;
    }
    const writeBack = new WriteBack(desk, admitted, merged, now);
    const { standInAfterMs } = desk.config;
    desk.deadlines.set(this.deadline, Math.min(now + standInAfterMs, admitted.deadlineAt));
    writeBack.start(now, held, gather.tally.yes);
    // Those are sent the record already; late answers are compared from now on.
    gather.settle(now, gather.tally.yes);
    return writeBack;
  }
}

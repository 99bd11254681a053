/**
 * A write.
 *
 *     ──too few nodes reachable──▶ QUORUM_NOT_MET, nothing stored anywhere
 *     ──dot minted──▶ spreading ──W owners hold it──▶ answered: stored ──last owner spoke──▶ closed
 *                         ├─ too few can still hold it ──▶ OUTCOME_UNKNOWN
 *                         └─ deadline ──▶ OUTCOME_UNKNOWN
 *
 * Once a delta has left, the write may surface at any later time, so "failed" would be a lie (law
 * 4). What a put covers, that is replaces, depends on the bucket's mode and on whether it brings a
 * context; see `coveredBy`.
 */
import type { Context } from "../causality/context.ts";
import { EMPTY_CONTEXT, joinContexts } from "../causality/context.ts";
import type { Dot, Record } from "../causality/record.ts";
import { EXPIRING, putDelta, REGISTER } from "../causality/record.ts";
import { expiringPayload, nextTime, registerPayload } from "../causality/register.ts";
import { remainder, withExpired } from "../causality/register.ts";
import type { Instant } from "../effects.ts";
import type { Refusal } from "../messages.ts";
import type { Outcome } from "../outcomes.ts";
import { failed } from "../outcomes.ts";
import type { BucketMode } from "../requests.ts";
import type { NodeId } from "../ring/node-id.ts";
import { DAMAGED } from "../storage/engine.ts";
import type { Desk, OwnRow } from "./desk.ts";
import { Operation } from "./operation.ts";
import type { Admitted } from "./operation.ts";
import { Spread } from "./spread.ts";

export class PutOperation extends Operation {
  readonly #spread: Spread;
  #covered: Context = EMPTY_CONTEXT;

  constructor(desk: Desk, admitted: Admitted) {
    super(desk, admitted);
    this.#spread = new Spread(desk, admitted);
  }

  start(now: Instant): void {
    const refusal = this.#mintAndSpread(now);
    if (refusal !== undefined) {
      this.answerWith(now, refusal);
      return this.close(now);
    }
    const { deadlineAt } = this.admitted;
    const standInAt = now + this.desk.config.standInAfterMs;
    this.desk.deadlines.set(this.deadline, Math.min(standInAt, deadlineAt));
    this.#proceed(now);
  }

  override onWritten(now: Instant, owner: number): void {
    this.#spread.onWritten(now, owner);
    this.#proceed(now);
  }

  override onRefused(now: Instant, owner: number, _reason: Refusal): void {
    this.#spread.onRefused(now, owner);
    this.#proceed(now);
  }

  onLost(now: Instant, owner: number): void {
    this.#spread.onLost(now, owner);
    this.#proceed(now);
  }

  override hasStandIn(node: NodeId): boolean {
    return this.#spread.hasStandIn(node);
  }

  override onHinted(now: Instant, node: NodeId): void {
    this.#spread.onHinted(node);
    this.#proceed(now);
  }

  override onStandInLost(now: Instant, node: NodeId): void {
    this.#spread.onStandInLost(now, node);
    this.#proceed(now);
  }

  onDeadline(now: Instant): void {
    const { deadlineAt } = this.admitted;
    if (now < deadlineAt) {
      const againAt = this.isAnswered ? deadlineAt : now + this.desk.config.standInAfterMs;
      this.desk.deadlines.set(this.deadline, Math.min(againAt, deadlineAt));
      if (!this.isAnswered) this.#spread.replaceSilent(now);
      return this.#proceed(now);
    }
    this.expire(now);
  }

  expire(now: Instant): void {
    if (!this.isAnswered) this.#unknown(now, "owners did not confirm in time");
    this.close(now);
  }

  protected override giveUpOnSilent(now: Instant): void {
    this.#spread.giveUpOnSilent(now);
  }

  #mintAndSpread(now: Instant): Outcome | undefined {
    const { desk, admitted } = this;
    const { request, place, context, writeNeeded } = admitted;
    const reachable = Spread.reachable(desk, admitted);
    if (reachable < writeNeeded) {
      const numbers = { needed: writeNeeded, got: reachable };
      return failed("QUORUM_NOT_MET", "too few nodes can be reached; nothing was written", numbers);
    }
    const row = desk.replica.load(place.partition, place.key);
    if (row === DAMAGED) {
      return failed("DAMAGED", `the row of this key at ${desk.self} is unreadable`);
    }
    const chosen = coveredBy(request.mode, row.record, context);
    // What has expired is in nobody's way any more; what a clock that was ahead for a moment calls
    // expired, may be.
    const wallMs = Math.min(desk.wall.ms, request.wallMs);
    const covered = withExpired(chosen, row.record, wallMs);
    const refusal = this.#tooMuch(row.record, covered);
    if (refusal !== undefined) return refusal;
    const next = desk.replica.nextDot(place.key, row, context);
    if (next === undefined) return this.#noDot();
    const { high, low } = desk.identity;
    const { epoch, n } = next;
    const delta = putDelta(covered, { high, low, epoch, n, path: "", ...this.#valueAfter(row) });
    desk.effects.note({ kind: "dot-minted", key: place.key, high, low, epoch, n });
    this.#covered = delta.context;
    const waiting = { to: desk.self, id: admitted.id };
    this.#spread.start(now, desk.replica.storeOwn(place, row, delta, waiting));
    return undefined;
  }

  #valueAfter({ record }: OwnRow): Pick<Dot, "kind" | "payload"> {
    const { value, ttlMs, wallMs } = this.admitted.request;
    const time = nextTime(record, wallMs);
    if (ttlMs === 0) return { kind: REGISTER, payload: registerPayload(time, value) };
    return { kind: EXPIRING, payload: expiringPayload(time, wallMs + ttlMs, value) };
  }

  #noDot(): Outcome {
    const detail = `${this.desk.self} can hand out no dot: no epoch is leased, or its disk is full`;
    return failed("OVERLOADED", detail, { retryAfterMs: 50 });
  }

  /**
   * The siblings that the put would leave together; replication is never refused, so it is refused
   * here.
   */
  #tooMuch(current: Record, covered: Context): Outcome | undefined {
    const { siblingsMax, recordBytesMax } = this.desk.config;
    const left = remainder(current, covered);
    const count = left.count + 1;
    const bytes = left.bytes + this.admitted.request.value.length;
    if (count <= siblingsMax && bytes <= recordBytesMax) return undefined;
    const [unit, got, needed] =
      count > siblingsMax
        ? (["siblings", count, siblingsMax] as const)
        : (["bytes of siblings", bytes, recordBytesMax] as const);
    return failed(
      "TOO_MANY_SIBLINGS",
      `the put would leave ${got} ${unit}, the limit is ${needed}; ` +
        "read, merge, and put with the context",
      { needed, got, context: this.seal(current.context) },
    );
  }

  #proceed(now: Instant): void {
    const { tally } = this.#spread;
    if (!this.isAnswered) {
      const lost = "too few owners stored it: others were lost meanwhile, or have no room";
      if (tally.isMet) this.#succeed(now);
      else if (tally.isImpossible) this.#unknown(now, lost);
    }
    if (this.isAnswered) this.linger(now, tally.isComplete);
  }

  #succeed(now: Instant): void {
    const { tally } = this.#spread;
    const context = this.seal(this.#covered);
    this.answerWith(now, { kind: "stored", context, receipt: this.receipt(tally, tally.yes, 1) });
  }

  #unknown(now: Instant, detail: string): void {
    const { needed, got } = this.#spread.tally;
    this.answerWith(now, failed("OUTCOME_UNKNOWN", detail, { needed, got }));
  }
}

/** What a put replaces of `current`, and of what others may hold. */
export function coveredBy(
  mode: BucketMode,
  current: Record,
  context: Context | undefined,
): Context {
  switch (mode) {
    case "overwrite":
      return context ?? current.context;
    case "lww":
      return context === undefined ? current.context : joinContexts(current.context, context);
    case "siblings":
    case "merge":
      return context ?? EMPTY_CONTEXT;
  }
}

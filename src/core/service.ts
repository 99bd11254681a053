/**
 * What peers ask of this node as an owner, or as who keeps what others have missed: judged, then
 * served.
 *
 *     its asker has given up       dropped
 *     of an era that is over       refused: it may know what was forgotten meanwhile
 *     of another layout epoch      refused, and the older side learns the newer layout
 *     of a partition not owned     refused
 *     no record                    dropped
 *     everything else              served; what is stored is answered when it is durable
 */
import { decodeRecord } from "./causality/record-codec.ts";
import type { Effects, Instant } from "./effects.ts";
import type { DropReason } from "./facts.ts";
import type { Handoff } from "./handoff/handoff.ts";
import type { Hint, HintedAsk, Read, Refusal, Repair as RepairMessage, Write } from "./messages.ts";
import { held, LAYOUT_ASK, refused, same } from "./messages.ts";
import type { Replica } from "./replica/replica.ts";
import type { Key } from "./ring/key.ts";
import type { Layout } from "./ring/layout.ts";
import type { NodeId } from "./ring/node-id.ts";
import { DAMAGED } from "./storage/engine.ts";

export interface ServiceSetup {
  readonly self: NodeId;
  readonly effects: Effects;
  readonly replica: Replica;
  readonly handoff: Handoff;
  readonly layout: () => Layout;
  /** So much was left of its asker's time when a message was sent. */
  readonly hasExpired: (remainingMs: number) => boolean;
  /** Whether nobody listens any more to what bears this era; who sent it learns why. */
  readonly isOver: (from: NodeId, era: number) => boolean;
}

export class Service {
  readonly #setup: ServiceSetup;

  constructor(setup: ServiceSetup) {
    this.#setup = setup;
  }

  onWrite(from: NodeId, { id, epoch, era, remainingMs, key, delta }: Write): void {
    const { hasExpired, isOver, replica } = this.#setup;
    if (hasExpired(remainingMs)) return this.#drop(from, "expired");
    if (isOver(from, era)) return this.#refuse(from, id, "late");
    const partition = this.#partitionOf(key);
    const problem =
      this.#misplaced(from, partition, epoch) ??
      replica.receive({ partition, key }, delta, { to: from, id });
    if (problem === "malformed") return this.#drop(from, problem);
    if (problem !== undefined) this.#refuse(from, id, problem);
  }

  onRead(from: NodeId, message: Read): void {
    const { id, epoch, remainingMs, key, digestHigh, digestLow } = message;
    const { hasExpired, replica, effects } = this.#setup;
    if (hasExpired(remainingMs)) return this.#drop(from, "expired");
    const partition = this.#partitionOf(key);
    const misplaced = this.#misplaced(from, partition, epoch);
    if (misplaced !== undefined) return this.#refuse(from, id, misplaced);
    const digest = replica.digest(partition, key);
    if (digest === DAMAGED) return this.#refuse(from, id, "damaged");
    if (digest.high === digestHigh && digest.low === digestLow) return effects.send(from, same(id));
    const bytes = replica.recordBytes(partition, key);
    if (bytes === DAMAGED) return this.#refuse(from, id, "damaged");
    effects.send(from, held(id, bytes ?? new Uint8Array(0)));
  }

  onRepair(from: NodeId, { epoch, era, key, record: bytes }: RepairMessage): void {
    if (this.#setup.isOver(from, era)) return this.#drop(from, "late");
    const partition = this.#partitionOf(key);
    const misplaced = this.#misplaced(from, partition, epoch);
    if (misplaced !== undefined) return this.#drop(from, misplaced);
    if (!this.mend(partition, key, bytes)) this.#drop(from, "malformed");
  }

  /** False when the bytes are no record. */
  mend(partition: number, key: Key, bytes: Uint8Array): boolean {
    const record = decodeRecord(bytes);
    if (record !== undefined) this.#setup.replica.repair({ partition, key }, { record, bytes });
    return record !== undefined;
  }

  onHint(now: Instant, from: NodeId, message: Hint): void {
    const { hasExpired, isOver, handoff } = this.#setup;
    if (hasExpired(message.remainingMs)) return this.#drop(from, "expired");
    if (isOver(from, message.era)) return this.#refuse(from, message.id, "late");
    const problem = this.#otherEpoch(from, message.epoch) ?? handoff.take(now, from, message);
    if (problem === "malformed") return this.#drop(from, problem);
    if (problem !== undefined) this.#refuse(from, message.id, problem);
  }

  onHintedAsk(from: NodeId, { id, epoch, remainingMs, target, key }: HintedAsk): void {
    const { hasExpired, handoff, effects } = this.#setup;
    if (hasExpired(remainingMs)) return this.#drop(from, "expired");
    const problem = this.#otherEpoch(from, epoch);
    if (problem !== undefined) return this.#refuse(from, id, problem);
    const record = handoff.heldFor(key, target);
    if (record === undefined) return this.#refuse(from, id, "not-owner");
    effects.send(from, held(id, record));
  }

  /** A peer has refused something at this epoch. */
  onRefusalEpoch(from: NodeId, epoch: number): void {
    const { layout, effects } = this.#setup;
    if (epoch > layout().epoch) effects.send(from, LAYOUT_ASK);
  }

  #partitionOf(key: Key): number {
    return this.#setup.layout().partitioner.of(key);
  }

  /** Why a message about a partition cannot be served here: another epoch, or another owner. */
  #misplaced(
    from: NodeId,
    partition: number,
    epoch: number,
  ): "stale-epoch" | "not-owner" | undefined {
    const problem = this.#otherEpoch(from, epoch);
    if (problem !== undefined) return problem;
    const { layout, self } = this.#setup;
    return layout().isOwner(self, partition) ? undefined : "not-owner";
  }

  #otherEpoch(from: NodeId, epoch: number): "stale-epoch" | undefined {
    if (epoch === this.#setup.layout().epoch) return undefined;
    this.onRefusalEpoch(from, epoch);
    return "stale-epoch";
  }

  #refuse(to: NodeId, id: number, reason: Refusal): void {
    this.#setup.effects.send(to, refused(id, reason, this.#setup.layout().epoch));
  }

  #drop(from: NodeId, reason: DropReason): void {
    this.#setup.effects.note({ kind: "message-dropped", from, reason });
  }
}

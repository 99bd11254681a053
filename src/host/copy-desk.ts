/**
 * Where a node serves backups and restores: it reads out what it stores, and joins what it gets.
 *
 *     rows-ask ─▶ waits ─▶ a slice, then a rest ─▶ rows-told
 *     join-ask ─▶ node.receive(write), one for each record ─▶ durable ─▶ join-told
 *
 * Reading takes little of a turn and a tenth of the time, however much is asked for at once, so
 * that requests go on beside a backup. A record to join goes the way of a peer's write, from a
 * sender that no node can be: so the rules of the replica hold for it, above all the one about dots
 * of its own that come from elsewhere, and it is told only when it is durable (law 1). A damaged
 * row is not replaced: what is in a backup may be older than what other owners still hold, and this
 * owner would vouch for it.
 */
import { Numbered } from "../core/base/numbered.ts";
import { decodeRecord } from "../core/causality/record-codec.ts";
import type { Message, Refusal } from "../core/messages.ts";
import { write } from "../core/messages.ts";
import { recordBytesOf } from "../core/replica/row.ts";
import type { Key } from "../core/ring/key.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { ScanPosition } from "../core/storage/engine.ts";
import type {
  CopyAnswer,
  CopyAsk,
  CopyRefusal,
  JoinAsk,
  JoinResult,
  KeyRecord,
  RowsAsk,
  RowsTold,
} from "../core/wire/copy-codec.ts";
import { DAMAGED_KEYS_MAX } from "../core/wire/copy-codec.ts";
import type { Host } from "./host.ts";
import { RowPositions } from "./row-position.ts";

/** Who the node believes to have sent the records: no node has such an id. */
export const COPIER: NodeId = "(copier)" as NodeId;

/** Whoever asked. Told once for each question, maybe while the node runs: it only records. */
export interface CopyAsker {
  tell(answer: CopyAnswer): void;
}

const MIB = 1024 * 1024;
/** Of one answer, whatever is asked for, but for a row that is longer by itself. */
const SLICE_BYTES_MAX: number = MIB;
/** After so long in one turn a slice ends early. */
const SLICE_MS_MAX = 4;
/** For each moment that reading takes, so many for everything else. */
const REST_SHARE = 9;
/** A scan is asked for so many rows at a time: they may be much longer than those before. */
const SCAN_ROWS_MAX = 32;
const WAITING_MAX = 256;
/** Of one asker, who may not read the answers: a row in each of them is as long as it is. */
const WAITING_EACH_MAX = 8;
/** Records that are being joined. A question comes in one frame, which is shorter. */
const JOIN_BYTES_MAX: number = 64 * MIB;
/** Nobody gives up on it. */
const REMAINING_MS: number = Number.MAX_SAFE_INTEGER;

interface WaitingAsk {
  readonly ask: RowsAsk;
  readonly asker: CopyAsker;
}

/** A join-ask whose records are not all durable yet. */
interface Joining {
  readonly asker: CopyAsker;
  readonly id: number;
  readonly bytes: number;
  readonly results: JoinResult[];
  leftCount: number;
}

interface JoiningRecord {
  readonly joining: Joining;
  readonly index: number;
}

export class CopyDesk {
  readonly #host: Host;
  readonly #positions: RowPositions = new RowPositions();
  readonly #waiting: WaitingAsk[] = [];
  readonly #records: Numbered<JoiningRecord> = new Numbered();
  #joinBytes = 0;
  #isScheduled = false;
  /** A slice that took long is followed by a rest that is longer. */
  #restEndsAt = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  ask(ask: CopyAsk, asker: CopyAsker): void {
    if (ask.kind === "join-ask") return this.#join(ask, asker);
    if (!this.#hasRoomFor(asker)) return this.#refuse(ask, asker, "busy");
    this.#waiting.push({ ask, asker });
    this.#schedule();
  }

  /** What the node says to whoever sent it a record. */
  onReply(message: Message): void {
    if (message.kind !== "written" && message.kind !== "refused") return;
    const record = this.#records.take(message.id);
    if (record === undefined) return;
    const { joining, index } = record;
    this.#settle(joining, index, message.kind === "written" ? "held" : resultOf(message.reason));
  }

  #hasRoomFor(asker: CopyAsker): boolean {
    if (this.#waiting.length >= WAITING_MAX) return false;
    let count = 0;
    for (const waiting of this.#waiting) if (waiting.asker === asker) count++;
    return count < WAITING_EACH_MAX;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    const waitMs = this.#restEndsAt - performance.now();
    if (waitMs < 1) setImmediate(this.#serve);
    else setTimeout(this.#serve, waitMs).unref();
  }

  readonly #serve = (): void => {
    this.#isScheduled = false;
    const { ask, asker } = this.#waiting.shift()!;
    const startedAt = performance.now();
    this.#read(ask, asker);
    const endedAt = performance.now();
    this.#restEndsAt = Math.max(this.#restEndsAt, endedAt) + (endedAt - startedAt) * REST_SHARE;
    this.#schedule();
  };

  #read(ask: RowsAsk, asker: CopyAsker): void {
    const { epoch, partition, position } = ask;
    const layout = this.#host.layout();
    if (epoch !== layout.epoch) return this.#refuse(ask, asker, "stale-epoch");
    if (partition >= layout.partitionCount || !layout.isOwner(this.#host.id, partition)) {
      return this.#refuse(ask, asker, "not-owner");
    }
    const isFirst = position.length === 0;
    const from = isFirst ? undefined : this.#positions.open(partition, position);
    if (!isFirst && from === undefined) return this.#refuse(ask, asker, "unknown-position");
    asker.tell(this.#slice(ask, from) ?? this.#refusal(ask, "busy"));
  }

  /**
   * A step that turns out much longer than asked for is taken again, row by row: a scan can only
   * stop between two of its slices.
   */
  #slice(ask: RowsAsk, from: ScanPosition | undefined): RowsTold | undefined {
    const { id, partition } = ask;
    const bytesMax = Math.min(ask.bytesMax, SLICE_BYTES_MAX);
    const endsAt = performance.now() + SLICE_MS_MAX;
    const records: KeyRecord[] = [];
    const damaged: Key[] = [];
    let position = from;
    let bytes = 0;
    let limit = 1;
    let limitMax = SCAN_ROWS_MAX;
    do {
      const slice = this.#host.scan(partition, position, limit);
      if (slice === undefined) return undefined;
      let sliceBytes = 0;
      for (const { key, row } of slice.entries) sliceBytes += key.length + row.length;
      if (limit > 1 && bytes + sliceBytes > 2 * bytesMax) {
        limit = limitMax = 1;
        continue;
      }
      for (const { key, row } of slice.entries) records.push({ key, record: recordBytesOf(row) });
      for (const key of slice.damaged ?? []) damaged.push(key);
      bytes += sliceBytes;
      position = slice.next;
      // As many as there is room for, if they are like those before.
      const rows = records.length + damaged.length;
      const fitting = bytes === 0 ? limitMax : Math.floor(((bytesMax - bytes) * rows) / bytes);
      limit = Math.max(1, Math.min(limitMax, fitting));
    } while (
      position !== undefined &&
      bytes < bytesMax &&
      damaged.length <= DAMAGED_KEYS_MAX - SCAN_ROWS_MAX &&
      performance.now() < endsAt
    );
    const next = this.#positions.seal(partition, position);
    return { kind: "rows-told", id, next, damaged, records };
  }

  #join(ask: JoinAsk, asker: CopyAsker): void {
    const { id, records } = ask;
    const { epoch } = this.#host.layout();
    if (ask.epoch !== epoch) return this.#refuse(ask, asker, "stale-epoch");
    let bytes = 0;
    for (const { key, record } of records) bytes += key.length + record.length;
    if (this.#joinBytes + bytes > JOIN_BYTES_MAX) return this.#refuse(ask, asker, "busy");
    this.#joinBytes += bytes;
    const results = new Array<JoinResult>(records.length).fill("malformed");
    const joining: Joining = { asker, id, bytes, results, leftCount: records.length };
    for (const [index, { key, record }] of records.entries()) {
      if (decodeRecord(record) === undefined) {
        this.#settle(joining, index, "malformed");
        continue;
      }
      const number = this.#records.next();
      this.#records.set(number, { joining, index });
      this.#host.receive(COPIER, write(number, epoch, this.#host.era, REMAINING_MS, key, record));
    }
  }

  #settle(joining: Joining, index: number, result: JoinResult): void {
    const { asker, id, bytes, results } = joining;
    results[index] = result;
    joining.leftCount--;
    if (joining.leftCount > 0) return;
    this.#joinBytes -= bytes;
    asker.tell({ kind: "join-told", id, results });
  }

  #refuse(ask: CopyAsk, asker: CopyAsker, reason: CopyRefusal): void {
    asker.tell(this.#refusal(ask, reason));
  }

  #refusal({ id }: CopyAsk, reason: CopyRefusal): CopyAnswer {
    return { kind: "copy-refused", id, reason, epoch: this.#host.layout().epoch };
  }
}

/** An era that has ended meanwhile is a reason to ask again, as an epoch is. */
function resultOf(reason: Refusal): JoinResult {
  return reason === "late" ? "stale-epoch" : reason;
}

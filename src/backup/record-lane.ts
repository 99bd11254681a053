/**
 * The way of records to one owner: gathered into questions, a few of them open at a time. Whoever
 * adds waits for room, so that a slow node slows the reading of the backup and fills no memory.
 *
 * A record that is longer than what every node takes goes when nothing else is open: a node that
 * does not take it hangs up, and what else was on the way would be lost with it.
 */
import { DEFAULT_CONFIG } from "../core/config.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { CopyAnswer, JoinResult, KeyRecord } from "../core/wire/copy-codec.ts";
import { JOIN_RECORDS_MAX } from "../core/wire/copy-codec.ts";
import { FRAME_OVERHEAD_BYTES } from "../core/wire/frame.ts";
import type { PatientCalls, Unanswered } from "./patient-calls.ts";

/** What an owner made of a record, or that it did not say. */
export type LaneResult = JoinResult | "unanswered";
export type OnLaneResult = (result: LaneResult) => void;

const QUESTION_BYTES: number = 128 * 1024;
const QUESTIONS_MAX = 4;
/** Every node takes a value as long as the default, with half of what is granted beside it. */
const TAKEN_BYTES: number = DEFAULT_CONFIG.valueBytesMax + FRAME_OVERHEAD_BYTES / 2;

export class RecordLane {
  readonly #node: NodeId;
  readonly #calls: PatientCalls;
  readonly #open: Set<Promise<void>> = new Set();
  #records: KeyRecord[] = [];
  #waiting: OnLaneResult[] = [];
  #bytes = 0;

  constructor(node: NodeId, calls: PatientCalls) {
    this.#node = node;
    this.#calls = calls;
  }

  async add(record: KeyRecord, onResult: OnLaneResult): Promise<void> {
    const bytes = record.key.length + record.record.length;
    const isFull = this.#bytes + bytes > QUESTION_BYTES || this.#records.length >= JOIN_RECORDS_MAX;
    if (isFull && this.#records.length > 0) await this.#send();
    this.#records.push(record);
    this.#waiting.push(onResult);
    this.#bytes += bytes;
  }

  /** Resolves when everything has its result. */
  async end(): Promise<void> {
    if (this.#records.length > 0) await this.#send();
    await Promise.all(this.#open);
  }

  async #send(): Promise<void> {
    const records = this.#records;
    const waiting = this.#waiting;
    const bytes = this.#bytes;
    this.#records = [];
    this.#waiting = [];
    this.#bytes = 0;
    if (bytes > TAKEN_BYTES) return this.#sendAlone(records, waiting, bytes);
    while (this.#open.size >= QUESTIONS_MAX) await Promise.race(this.#open);
    const open: Promise<void> = this.#ask(records, waiting).then(() => {
      this.#open.delete(open);
    });
    this.#open.add(open);
  }

  async #sendAlone(
    records: readonly KeyRecord[],
    waiting: readonly OnLaneResult[],
    bytes: number,
  ): Promise<void> {
    await Promise.all(this.#open);
    const { epoch } = this.#calls.door.layout();
    const what = `a record of ${bytes} bytes, and its config.valueBytesMax may be less`;
    const question = { kind: "join-ask", epoch, records } as const;
    settle(waiting, await this.#calls.askLong(this.#node, question, what));
  }

  async #ask(records: readonly KeyRecord[], waiting: readonly OnLaneResult[]): Promise<void> {
    const { epoch } = this.#calls.door.layout();
    settle(waiting, await this.#calls.ask(this.#node, { kind: "join-ask", epoch, records }));
  }
}

function settle(waiting: readonly OnLaneResult[], answer: CopyAnswer | Unanswered): void {
  const isTold = answer.kind === "join-told" && answer.results.length === waiting.length;
  const refusal = answer.kind === "copy-refused" ? refusalOf(answer.reason) : "unanswered";
  for (const [index, onResult] of waiting.entries()) {
    onResult(isTold ? answer.results[index]! : refusal);
  }
}

function refusalOf(reason: string): LaneResult {
  return reason === "stale-epoch" || reason === "not-owner" ? reason : "unanswered";
}

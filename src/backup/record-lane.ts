/**
 * The way of records to one owner: gathered into questions, a few of them open at a time. Whoever
 * adds waits for room, so that a slow node slows the reading of the backup and fills no memory.
 */
import type { NodeId } from "../core/ring/node-id.ts";
import type { JoinResult, KeyRecord } from "../core/wire/copy-codec.ts";
import { JOIN_RECORDS_MAX } from "../core/wire/copy-codec.ts";
import type { PatientCalls } from "./patient-calls.ts";

/** What an owner made of a record, or that it did not say. */
export type LaneResult = JoinResult | "unanswered";
export type OnLaneResult = (result: LaneResult) => void;

const QUESTION_BYTES: number = 128 * 1024;
const QUESTIONS_MAX = 4;

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
    this.#records = [];
    this.#waiting = [];
    this.#bytes = 0;
    while (this.#open.size >= QUESTIONS_MAX) await Promise.race(this.#open);
    const open: Promise<void> = this.#ask(records, waiting).then(() => {
      this.#open.delete(open);
    });
    this.#open.add(open);
  }

  async #ask(records: readonly KeyRecord[], waiting: readonly OnLaneResult[]): Promise<void> {
    const { epoch } = this.#calls.door.layout();
    const answer = await this.#calls.ask(this.#node, { kind: "join-ask", epoch, records });
    const isTold = answer.kind === "join-told" && answer.results.length === records.length;
    const refusal = answer.kind === "copy-refused" ? refusalOf(answer.reason) : "unanswered";
    for (const [index, onResult] of waiting.entries()) {
      onResult(isTold ? answer.results[index]! : refusal);
    }
  }
}

function refusalOf(reason: string): LaneResult {
  return reason === "stale-epoch" || reason === "not-owner" ? reason : "unanswered";
}

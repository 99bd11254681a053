/**
 * The questions of a backup or a restore on one connection, each until it is answered, given up, or
 * the connection ends. What was asked before the other side has greeted is sent once it has.
 */
import type { CopyAnswer, CopyAsk, JoinAsk, RowsAsk } from "../core/wire/copy-codec.ts";
import { decodeCopyAnswer, encodeCopy } from "../core/wire/copy-codec.ts";
import type { ByteWriter } from "../core/base/bytes.ts";

/** A question without its number. */
export type CopyQuestion = Omit<RowsAsk, "id"> | Omit<JoinAsk, "id">;

/** Undefined when the connection ended first. */
export type OnCopyAnswer = (answer: CopyAnswer | undefined) => void;

interface Call {
  readonly ask: CopyAsk;
  readonly onAnswer: OnCopyAnswer;
}

export class CopyCalls {
  readonly #calls: Map<number, Call> = new Map();
  #lastId = 0;

  /** Answers the number, to give it up by. Nothing is sent without a writer. */
  ask(question: CopyQuestion, writer: ByteWriter | undefined, onAnswer: OnCopyAnswer): number {
    const ask: CopyAsk = { ...question, id: ++this.#lastId };
    this.#calls.set(ask.id, { ask, onAnswer });
    if (writer !== undefined) encodeCopy(writer, ask);
    return ask.id;
  }

  giveUp(id: number): void {
    this.#calls.delete(id);
  }

  sendAll(writer: ByteWriter): void {
    for (const { ask } of this.#calls.values()) encodeCopy(writer, ask);
  }

  /** False when the frame is none of these answers. */
  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    const answer = decodeCopyAnswer(kind, bytes, start, end);
    if (answer === undefined) return false;
    const call = this.#calls.get(answer.id);
    this.#calls.delete(answer.id);
    call?.onAnswer(answer);
    return true;
  }

  onLost(): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { onAnswer } of calls) onAnswer(undefined);
  }
}

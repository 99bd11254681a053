/**
 * Questions on one connection, each until it is answered, given up, or the connection ends. What
 * was asked before the other side has greeted is sent once it has.
 */
import type { ByteWriter } from "../core/base/bytes.ts";

/** How the questions of a kind are written, and their answers read. */
export interface CallCodec<Question, Answer> {
  readonly encode: (writer: ByteWriter, id: number, question: Question) => void;
  /** Undefined when the frame is none of these answers. */
  readonly decode: (
    kind: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ) => Answer | undefined;
}

interface Call<Question, Answer> {
  readonly question: Question;
  readonly onAnswer: (answer: Answer | undefined) => void;
}

export class NumberedCalls<Question, Answer extends { readonly id: number }> {
  readonly #codec: CallCodec<Question, Answer>;
  readonly #calls: Map<number, Call<Question, Answer>> = new Map();
  #lastId = 0;

  constructor(codec: CallCodec<Question, Answer>) {
    this.#codec = codec;
  }

  /**
   * Answers the number, to give it up by. Nothing is sent without a writer. The answer is undefined
   * when the connection ended first.
   */
  ask(
    question: Question,
    writer: ByteWriter | undefined,
    onAnswer: (answer: Answer | undefined) => void,
  ): number {
    const id = ++this.#lastId;
    this.#calls.set(id, { question, onAnswer });
    if (writer !== undefined) this.#codec.encode(writer, id, question);
    return id;
  }

  giveUp(id: number): void {
    this.#calls.delete(id);
  }

  sendAll(writer: ByteWriter): void {
    for (const [id, { question }] of this.#calls) this.#codec.encode(writer, id, question);
  }

  /** False when the frame is none of these answers. */
  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): boolean {
    const answer = this.#codec.decode(kind, bytes, start, end);
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

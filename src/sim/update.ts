/**
 * The library's `update` in virtual time: read, change, write with the context of the read.
 *
 * What is written and when it starts over, the library's own rules decide. Every read and every
 * write is an operation of its own in the history, which may be tried several times.
 */
import { UpdateRounds, writeOf } from "../core/caller/update-rounds.ts";
import type { Instant } from "../core/effects.ts";
import type { Client } from "./client.ts";
import type { ClientOperation } from "./client-operation.ts";
import type { OperationOptions } from "./clients.ts";

export interface UpdateSetup {
  readonly client: Client;
  readonly key: string;
  readonly options: OperationOptions;
  /** The value that a round writes; undefined to leave none. */
  readonly change: (round: number) => string | undefined;
  readonly clock: UpdateClock;
  /** Called once, with the last operation. */
  readonly onDone: (last: ClientOperation) => void;
}

export interface UpdateClock {
  readonly now: Instant;
  after(ms: number, action: () => void): void;
}

export class Update {
  readonly #setup: UpdateSetup;
  readonly #rounds: UpdateRounds;
  readonly #deadlineAt: Instant;
  #round = 0;

  constructor(setup: UpdateSetup) {
    const { options, clock } = setup;
    const { retries = 0, timeoutMs = 0 } = options;
    this.#setup = setup;
    this.#rounds = new UpdateRounds(retries);
    this.#deadlineAt = timeoutMs === 0 ? Infinity : clock.now + timeoutMs;
  }

  start(): void {
    const { client, key } = this.#setup;
    this.#round++;
    const read = client.get(key, this.#options());
    this.#then(read, () => this.#onRead(read));
  }

  #onRead(read: ClientOperation): void {
    const { client, key, change } = this.#setup;
    if (read.entry.status !== "ok" || this.#isOver) return this.#setup.onDone(read);
    const value = change(this.#round);
    const kind = writeOf(value !== undefined, read.entry.returned!.length);
    if (kind === "none") return this.#setup.onDone(read);
    const options = { ...this.#options(), context: read.context };
    const write = kind === "put" ? client.put(key, value!, options) : client.delete(key, options);
    this.#then(write, () => this.#onWritten(write));
  }

  #onWritten(write: ClientOperation): void {
    const { status, code } = write.entry;
    const startsOver = status !== "ok" && this.#rounds.startsOver(code!);
    if (!startsOver || this.#isOver) return this.#setup.onDone(write);
    this.start();
  }

  /** A closed client asks nothing new, and an update has the time that it was given. */
  get #isOver(): boolean {
    return this.#setup.client.isClosed || this.#deadlineAt <= this.#setup.clock.now;
  }

  #options(): OperationOptions {
    const { options, clock } = this.#setup;
    if (this.#deadlineAt === Infinity) return options;
    return { ...options, timeoutMs: Math.ceil(this.#deadlineAt - clock.now) };
  }

  #then(operation: ClientOperation, go: () => void): void {
    if (operation.isDone) go();
    else operation.onDone = () => this.#setup.clock.after(0, go);
  }
}

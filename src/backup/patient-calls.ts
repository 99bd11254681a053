/**
 * Questions to nodes that may be restarting, busy or gone: each is asked a few times with pauses,
 * and of a node that just did not answer others ask only once in a while.
 *
 *     asked ─▶ no answer ─▶ 100 ms ─▶ no answer ─▶ 200 ms ─▶ … ─▶ given up: out of reach
 *     out of reach ─▶ once in two seconds somebody tries, everybody else is told at once
 *
 * A question that is longer than every node takes ends the connection, however well the node is: it
 * is asked twice, and says nothing about the node. All that is asked here may be asked twice.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { CopyQuestion } from "../client/copy-calls.ts";
import type { DoorFailed } from "../core/caller/door-outcome.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { CopyAnswer, CopyRefused } from "../core/wire/copy-codec.ts";

/** The way to the nodes: `RemoteClient`. */
export interface CopyDoor {
  layout(): Layout;
  copy(node: NodeId, question: CopyQuestion, timeoutMs: number): Promise<CopyAnswer | DoorFailed>;
}

/** A node that could not be asked, or does not want to be. */
export interface Unanswered {
  readonly kind: "unanswered";
  readonly problem: string;
}

export interface PatientOptions {
  /** For one answer. */
  readonly timeoutMs: number;
  readonly pauseMs?: number;
}

const PAUSE_MS = 100;
const PAUSE_DOUBLINGS_MAX = 4;
const TRIES_MAX = 6;
const LONG_TRIES_MAX = 2;
/** A busy node is there: it is asked for longer. */
const BUSY_TRIES_MAX = 60;
const AGAIN_AFTER_MS = 2_000;

export class PatientCalls {
  readonly door: CopyDoor;
  /** Why each node was given up, that was: it may have answered since. */
  readonly problems: Map<NodeId, string> = new Map();
  readonly #timeoutMs: number;
  readonly #pauseMs: number;
  /** When somebody may try the nodes that are out of reach again. */
  readonly #againAt: Map<NodeId, number> = new Map();

  constructor(door: CopyDoor, { timeoutMs, pauseMs = PAUSE_MS }: PatientOptions) {
    this.door = door;
    this.#timeoutMs = timeoutMs;
    this.#pauseMs = pauseMs;
  }

  /** Every answer but "busy". */
  async ask(node: NodeId, question: CopyQuestion): Promise<CopyAnswer | Unanswered> {
    const againAt = this.#againAt.get(node);
    if (againAt !== undefined && performance.now() < againAt) return this.#unanswered(node);
    // Others are told at once while this one tries.
    if (againAt !== undefined) this.#putOff(node);
    const answer = await this.#try(node, question, againAt === undefined ? TRIES_MAX : 1);
    if (answer.kind !== "unanswered") this.#againAt.delete(node);
    else {
      this.#putOff(node);
      this.problems.set(node, answer.problem);
    }
    return answer;
  }

  /** A question that the node may find too long: nothing else may be open to it. */
  async askLong(
    node: NodeId,
    question: CopyQuestion,
    what: string,
  ): Promise<CopyAnswer | Unanswered> {
    const answer = await this.#try(node, question, LONG_TRIES_MAX);
    if (answer.kind === "unanswered") this.problems.set(node, `${what}: ${answer.problem}`);
    return answer;
  }

  async #try(
    node: NodeId,
    question: CopyQuestion,
    triesMax: number,
  ): Promise<CopyAnswer | Unanswered> {
    let silent = 0;
    let problem = "";
    for (let tries = 0; tries < BUSY_TRIES_MAX; tries++) {
      const answer = await this.door.copy(node, question, this.#timeoutMs);
      if (answer.kind !== "failed" && !isBusy(answer)) return answer;
      problem = answer.kind === "failed" ? answer.detail : `${node} is busy`;
      if (answer.kind === "failed" && ++silent >= triesMax) break;
      await this.#pause(tries);
    }
    return { kind: "unanswered", problem };
  }

  #putOff(node: NodeId): void {
    this.#againAt.set(node, performance.now() + AGAIN_AFTER_MS);
  }

  #unanswered(node: NodeId): Unanswered {
    return { kind: "unanswered", problem: this.problems.get(node) ?? `${node} is out of reach` };
  }

  #pause(tries: number): Promise<void> {
    const ms = this.#pauseMs * 2 ** Math.min(tries, PAUSE_DOUBLINGS_MAX);
    return sleep(ms);
  }
}

function isBusy(answer: CopyAnswer): answer is CopyRefused {
  return answer.kind === "copy-refused" && answer.reason === "busy";
}

/**
 * A line of the history as the clients keep it. Contexts stay sealed until somebody asks: most runs
 * are never looked at that closely, and to open every context would be a fifth of the work.
 */
import type { SipKey } from "../core/base/siphash.ts";
import { EMPTY_BYTES } from "../core/base/bytes.ts";
import type { DoorFailureCode } from "../core/caller/door-outcome.ts";
import type { Context } from "../core/causality/context.ts";
import { openContext } from "../core/causality/sealed-context.ts";
import type { Instant } from "../core/effects.ts";
import type { Receipt } from "../core/outcomes.ts";
import type { BucketMode, Level, Operation } from "../core/requests.ts";
import type { Key } from "../core/ring/key.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { HistoryEntry, Status, Try } from "./history.ts";

export interface Asked {
  readonly client: string;
  readonly sequence: number;
  readonly node: NodeId;
  readonly operation: Operation;
  readonly key: Key;
  readonly mode: BucketMode;
  readonly r: Level;
  readonly w: Level;
  readonly session: boolean;
  readonly ttlMs: number;
  readonly value: string | undefined;
  readonly given: Uint8Array | undefined;
  readonly invokedAt: Instant;
}

/** Nothing in a run comes near. */
const ENTRIES_MAX = 4_096;

export class RecordedEntry implements HistoryEntry {
  readonly client: string;
  readonly sequence: number;
  readonly node: NodeId;
  readonly operation: Operation;
  readonly key: Key;
  readonly mode: BucketMode;
  readonly r: Level;
  readonly w: Level;
  readonly session: boolean;
  readonly ttlMs: number;
  readonly value: string | undefined;
  readonly invokedAt: Instant;
  readonly tries: Try[] = [];
  completedAt: Instant | undefined = undefined;
  status: Status = "open";
  code: DoorFailureCode | undefined = undefined;
  returned: readonly string[] | undefined = undefined;
  receipt: Receipt | undefined = undefined;
  /** The context of the answer, as it came. */
  sealed: Uint8Array = EMPTY_BYTES;
  readonly #secret: SipKey;
  readonly #given: Uint8Array;
  #openGiven: Context | undefined = undefined;
  #openContext: Context | undefined = undefined;

  constructor(secret: SipKey, asked: Asked) {
    this.client = asked.client;
    this.sequence = asked.sequence;
    this.node = asked.node;
    this.operation = asked.operation;
    this.key = asked.key;
    this.mode = asked.mode;
    this.r = asked.r;
    this.w = asked.w;
    this.session = asked.session;
    this.ttlMs = asked.ttlMs;
    this.value = asked.value;
    this.invokedAt = asked.invokedAt;
    this.#secret = secret;
    this.#given = asked.given ?? EMPTY_BYTES;
  }

  get given(): Context | undefined {
    return (this.#openGiven ??= this.#opened(this.#given));
  }

  get context(): Context | undefined {
    return (this.#openContext ??= this.#opened(this.sealed));
  }

  #opened(sealed: Uint8Array): Context | undefined {
    if (sealed.length === 0) return undefined;
    return openContext(this.#secret, this.key, sealed, ENTRIES_MAX);
  }
}

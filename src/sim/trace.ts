/**
 * A running 64-bit hash over everything that happens: two runs with the same hash are the same run.
 *
 * The same seed and options must give the same trace, twice in one process and in every JavaScript
 * engine (law 8). Each event adds its instant, its kind, who it was between, and a digest of what
 * the message said. Two lanes of 32 bits mix every word with different constants, in integer
 * arithmetic only.
 */
import { hash32, hash32OfString } from "../core/base/hash.ts";
import type { Message } from "../core/messages.ts";
import type { Outcome } from "../core/outcomes.ts";
import type { PurgeMessage } from "../core/purge-messages.ts";
import type { ClientRequest } from "../core/requests.ts";
import type { EventKind } from "./scheduler.ts";

const BYTES_SEED = 0x5eed;

export class Trace {
  #high = 0x6a09e667;
  #low = 0xbb67ae85 | 0;

  event(step: number, kind: EventKind, source: number, target: number): void {
    this.#word(step | 0);
    this.#word((step / 0x1_0000_0000) | 0);
    this.#word((kind << 24) ^ (source << 12) ^ target);
  }

  message(message: Message): void {
    this.#word(messageDigest(message));
  }

  outcome(outcome: Outcome): void {
    this.#word(outcomeDigest(outcome));
  }

  word(value: number): void {
    this.#word(value | 0);
  }

  /** 16 hexadecimal digits. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low);
  }

  #word(word: number): void {
    const high = Math.imul(this.#high ^ word, 0x9e3779b1);
    const low = Math.imul(this.#low + word, 0x85ebca6b | 0);
    this.#high = high ^ (low >>> 15);
    this.#low = ((low << 13) | (low >>> 19)) ^ high;
  }
}

/** 32 bits that change when anything in the message does. */
export function messageDigest(message: Message): number {
  switch (message.kind) {
    case "hello":
      return mix(mix(mix(1, message.generation), message.layoutEpoch), message.era);
    case "goodbye":
      return 2;
    case "located":
      return mix(textDigest(message.address), message.generation);
    case "write":
      return mix(mix(mix(3, message.id), textDigest(message.key)), bytesDigest(message.delta));
    case "written":
      return mix(4, message.id);
    case "read":
      return mix(mix(mix(5, message.id), textDigest(message.key)), message.digestLow);
    case "same":
      return mix(6, message.id);
    case "held":
      return mix(mix(7, message.id), bytesDigest(message.record));
    case "refused":
      return mix(mix(mix(8, message.id), message.epoch), textDigest(message.reason));
    case "repair":
      return mix(mix(mix(9, message.epoch), textDigest(message.key)), bytesDigest(message.record));
    case "hint":
      return mix(mix(mix(14, message.id), textDigest(message.key)), bytesDigest(message.delta));
    case "hinted-ask":
      return mix(mix(15, message.id), textDigest(message.key));
    case "ask":
      return mix(10, requestDigest(message.request));
    case "answer":
      return mix(mix(11, message.id), outcomeDigest(message.outcome));
    case "member-talk":
      return mix(mix(16, textDigest(message.talk.kind)), message.talk.speaker.incarnation);
    case "repair-talk":
      return mix(mix(17, textDigest(message.talk.kind)), message.talk.id);
    case "purge-talk":
      return mix(18, purgeDigest(message.talk));
    case "condition":
      return mix(mix(19, message.latencyMs), message.isDegraded ? 1 : 0);
    case "layout-ask":
      return 12;
    case "layout-told":
      return mix(13, message.layout.epoch);
  }
}

function purgeDigest(talk: PurgeMessage): number {
  return mix(textDigest(talk.kind), talk.kind === "era-told" ? talk.era : talk.id);
}

function requestDigest(request: ClientRequest): number {
  const what = mix(request.id, textDigest(request.operation));
  const key = mix(textDigest(request.key), bytesDigest(request.value));
  return mix(mix(what, key), bytesDigest(request.context));
}

function outcomeDigest(outcome: Outcome): number {
  let digest = mix(textDigest(outcome.kind), bytesDigest(outcome.context));
  if (outcome.kind === "failed") return mix(mix(digest, textDigest(outcome.code)), outcome.got);
  digest = mix(mix(digest, outcome.receipt.answered), outcome.receipt.held);
  if (outcome.kind !== "found") return digest;
  for (const sibling of outcome.siblings) {
    digest = mix(mix(digest, sibling.writtenMs), bytesDigest(sibling.value));
  }
  return digest;
}

function mix(digest: number, word: number): number {
  const mixed = Math.imul(digest ^ (word | 0) ^ Math.floor(word / 0x1_0000_0000), 0xcc9e2d51 | 0);
  return ((mixed << 15) | (mixed >>> 17)) + 0x1b87;
}

function textDigest(text: string): number {
  return hash32OfString(text, BYTES_SEED);
}

function bytesDigest(bytes: Uint8Array): number {
  return hash32(bytes, 0, bytes.length, BYTES_SEED);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}

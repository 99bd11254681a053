/**
 * A run told in lines, for people: `gramme sim --trace`.
 *
 *        102.038 n1 → n2    write 81.. overwrite/cart  [n1/1#1 book]
 *        103.110 n2 disk    durable 3
 *        103.402 n1 fact    request-finished stored
 *
 * It is an observer like any other: with or without it the run is the same.
 */
import type { DoorOutcome } from "../core/caller/door-outcome.ts";
import type { Instant } from "../core/effects.ts";
import type { Fact } from "../core/facts.ts";
import type { Identity } from "../core/identity/identity.ts";
import type { Message } from "../core/messages.ts";
import { describeActor } from "../core/causality/actor.ts";
import type { Context } from "../core/causality/context.ts";
import type { Record } from "../core/causality/record.ts";
import { decodeRecord } from "../core/causality/record-codec.ts";
import { registerValue } from "../core/causality/register.ts";
import { utf8Decode } from "../core/base/utf8.ts";
import type { HistoryEntry } from "./history.ts";
import type { Observer } from "./observer.ts";

/** Only lines that mention `about` (a key, a node, a value) are told, when it is given. */
export function transcript(sink: (line: string) => void, about = ""): Observer {
  const tell = (at: Instant, who: string, what: string): void => {
    const line = `${at.toFixed(3).padStart(12)} ${who.padEnd(9)} ${what}`;
    if (line.includes(about)) sink(line);
  };
  return {
    onInvoke: (entry, at) => tell(at, entry.client, `asks ${entry.node}: ${describeAsked(entry)}`),
    onReply: (entry, outcome, at) => tell(at, entry.client, describeEnd(entry, outcome)),
    onFact: (node, fact, at) => tell(at, `${node} fact`, describeFact(fact)),
    onPersist: (node, writes, token, at) => {
      for (const { key } of writes) tell(at, `${node} disk`, `${key} written as ${token}`);
    },
    onDurable: (node, token, at) => tell(at, `${node} disk`, `${token} durable`),
    onSend: (from, to, message, at) =>
      tell(at, `${from} → ${to}`, `sends ${describeMessage(message)}`),
    onReceive: (from, to, message, at) => tell(at, `${to} ← ${from}`, describeMessage(message)),
    onCrash: (node, at) => tell(at, node, "CRASHED"),
    onRestart: (node, kind, at) => tell(at, node, `RESTARTED ${kind}`),
    onBoot: (node, identity, at) => tell(at, node, `BOOTED ${describeIdentity(identity)}`),
    onFailed: (node, problem, at) => tell(at, node, `FAILED: ${problem}`),
    onFault: (kind, node, key, at) => tell(at, node ?? "", `fault: ${kind} ${key ?? ""}`),
  };
}

export function describeRecord(record: Record): string {
  const dots = record.dots.map((dot) => {
    const value = utf8Decode(registerValue(dot)) ?? "(bytes)";
    return `${describeActor(dot)}#${dot.n} ${value}`;
  });
  return `{${describeContext(record.context)} | ${dots.join(", ")}}`;
}

function describeContext(context: Context): string {
  return context
    .map((entry) => `${describeActor(entry)}≤${[entry.n, ...entry.ahead].join(".")}`)
    .join(" ");
}

function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return "nothing";
  const record = decodeRecord(bytes);
  return record === undefined ? `${bytes.length} malformed bytes` : describeRecord(record);
}

function describeMessage(message: Message): string {
  switch (message.kind) {
    case "hello":
      return `hello, generation ${message.generation}`;
    case "write":
      return `write ${message.id} ${message.key} ${describeBytes(message.delta)}`;
    case "read":
      return `read ${message.id} ${message.key}`;
    case "held":
      return `held ${message.id} ${describeBytes(message.record)}`;
    case "refused":
      return `refused ${message.id} ${message.reason}`;
    case "repair":
      return `repair ${message.key} ${describeBytes(message.record)}`;
    case "ask":
      return `ask ${message.request.id} ${message.request.operation} ${message.request.key}`;
    case "answer":
      return `answer ${message.id} ${describeOutcome(message.outcome)}`;
    case "written":
    case "same":
      return `${message.kind} ${message.id}`;
    default:
      return message.kind;
  }
}

function describeFact(fact: Fact): string {
  const { kind, ...details } = fact;
  const parts = Object.entries(details).map(([name, value]) => `${name} ${String(value)}`);
  return [kind, ...parts].join(" ");
}

function describeIdentity(identity: Identity): string {
  const { actor, generation, leaseEnd, bootFloor } = identity;
  const who = describeActor({ ...actor, epoch: leaseEnd });
  return `${who}, boot floor ${bootFloor}, generation ${generation}`;
}

function describeAsked(entry: HistoryEntry): string {
  const { operation, key, value, r, w, given, sequence } = entry;
  const level = operation === "get" ? `r ${r}` : `w ${w}`;
  const context = given === undefined ? "" : ` with ${describeContext(given)}`;
  return `#${sequence} ${operation} ${key} ${value ?? ""} ${level}${context}`;
}

function describeEnd(entry: HistoryEntry, outcome: DoorOutcome): string {
  const context = entry.context === undefined ? "" : ` ${describeContext(entry.context)}`;
  const values = entry.returned === undefined ? "" : ` [${entry.returned.join(", ")}]`;
  const { sequence, operation, key, status, tries } = entry;
  const what = `${status}${tries.length > 1 ? ` after ${tries.length} tries` : ""}`;
  return `#${sequence} ${operation} ${key} ${what}: ${describeOutcome(outcome)}${values}${context}`;
}

function describeOutcome(outcome: DoorOutcome): string {
  if (outcome.kind !== "failed") return outcome.kind;
  return `${outcome.code} needed ${outcome.needed} got ${outcome.got}`;
}

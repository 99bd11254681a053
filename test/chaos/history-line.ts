/**
 * An operation of a client as one line of text: written by the process that made it, read by the
 * one that judges. Bytes are base64, times are milliseconds of the machine's own clock since the
 * run began, which all processes share.
 */
import { readFileSync } from "node:fs";
import type { SipKey } from "#src/core/base/siphash.ts";
import type { DoorFailureCode } from "#src/core/caller/door-outcome.ts";
import type { Receipt } from "#src/core/outcomes.ts";
import type { BucketMode, Operation } from "#src/core/requests.ts";
import type { Key } from "#src/core/ring/key.ts";
import type { NodeId } from "#src/core/ring/node-id.ts";
import type { Status, Try } from "#src/sim/history.ts";
import { RecordedEntry } from "#src/sim/recorded-entry.ts";

export interface HistoryLine {
  readonly client: string;
  readonly operation: Operation;
  readonly key: Key;
  readonly mode: BucketMode;
  readonly r: number;
  readonly w: number;
  readonly session: boolean;
  readonly value: string | undefined;
  readonly given: string;
  readonly invokedAt: number;
  readonly completedAt: number;
  readonly status: Exclude<Status, "open">;
  readonly code: DoorFailureCode | undefined;
  readonly detail: string | undefined;
  readonly returned: readonly string[] | undefined;
  readonly sealed: string;
  readonly receipt: Receipt | undefined;
  readonly tries: readonly Try[];
}

const NOBODY = "" as NodeId;

/** Numbered by where they stand: in order of invocation, over all clients. */
export function entriesOf(lines: readonly HistoryLine[], secret: SipKey): RecordedEntry[] {
  const ordered = lines.toSorted((left, right) => left.invokedAt - right.invokedAt);
  return ordered.map((line, sequence) => entryOf(line, sequence, secret));
}

export function readHistory(file: string): readonly HistoryLine[] {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as HistoryLine);
}

function entryOf(line: HistoryLine, sequence: number, secret: SipKey): RecordedEntry {
  const { client, operation, key, mode, r, w, session, value, invokedAt } = line;
  const entry = new RecordedEntry(secret, {
    client,
    sequence,
    node: line.receipt?.coordinator ?? NOBODY,
    operation,
    key,
    mode,
    r,
    w,
    session,
    ttlMs: 0,
    value,
    given: line.given === "" ? undefined : bytesOf(line.given),
    invokedAt,
  });
  entry.tries.push(...line.tries);
  entry.completedAt = line.completedAt;
  entry.status = line.status;
  entry.code = line.code;
  entry.returned = line.returned;
  entry.receipt = line.receipt;
  entry.sealed = bytesOf(line.sealed);
  return entry;
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

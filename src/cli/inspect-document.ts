/**
 * What was found in a data directory, as one document: `gramme inspect --json` prints it, and the
 * text for people is made from it. Every field is always there.
 */
import type { Identity } from "../core/identity/identity.ts";
import { fromBinary, toBinary } from "../core/base/utf8.ts";
import { bucketOf, type Key, userKeyOf } from "../core/ring/key.ts";
import { FIRST_POSITION } from "../core/storage/key-table.ts";
import type { LogIndex } from "../core/storage/log/log-index.ts";
import { DAMAGED_LENGTH } from "../core/storage/log/log-index.ts";
import { RECORD_HEAD_BYTES } from "../core/storage/log/log-record.ts";
import type { LogFindings } from "../core/storage/log/log-recovery.ts";
import type { Segment } from "../core/storage/log/segment.ts";
import type { Place } from "../core/storage/log/place.ts";
import type { Segments } from "../core/storage/log/segments.ts";
import { isBehind, type StoreMark } from "../core/storage/store-mark.ts";
import type { InspectedLog, InspectedManifest, InspectedStore } from "./inspect-store.ts";

export interface StoreDocument {
  readonly directory: string;
  readonly engine: string | null;
  readonly verdict: "good" | "damaged";
  readonly identity: IdentityDocument;
  readonly log: LogDocument | null;
  /** Null when they were not asked for. */
  readonly keys: readonly KeyDocument[] | null;
}

export interface IdentityDocument {
  readonly state: "found" | "nothing" | "damaged" | "newer";
  readonly clusterId: string | null;
  readonly nodeId: string | null;
  readonly actor: string | null;
  readonly generation: number | null;
  readonly leaseEnd: number | null;
  readonly bootFloor: number | null;
  readonly isClean: boolean | null;
  /** Otherwise its rows were put back, and the next start asks whether they count. */
  readonly isSettled: boolean | null;
  /** The directory is the one in which the identity was written, and no copy of it. */
  readonly isAtHome: boolean | null;
  /** Its rows are those that it left; null when nobody can tell, as with another engine. */
  readonly hasItsRows: boolean | null;
}

export interface LogDocument {
  readonly store: string;
  readonly manifests: readonly ManifestDocument[];
  readonly segments: readonly SegmentDocument[];
  readonly totals: TotalsDocument;
  readonly findings: LogFindings;
  readonly loss: Place | null;
  /** Null when it was not asked for. */
  readonly check: CheckDocument | null;
}

interface ManifestDocument {
  readonly file: string;
  readonly state: InspectedManifest["state"];
  readonly generation: number | null;
}

export interface SegmentDocument {
  readonly number: number;
  readonly state: "sealed" | "active";
  readonly bytes: number;
  readonly liveBytes: number;
  /** Null when only a check can tell. */
  readonly records: number | null;
  readonly keys: number;
  readonly damagedKeys: number;
  readonly first: number;
  readonly hasHint: boolean;
}

interface TotalsDocument {
  readonly segments: number;
  readonly bytes: number;
  readonly liveBytes: number;
  readonly liveShare: number;
  readonly keys: number;
  readonly keyAndRowBytes: number;
  readonly damagedKeys: number;
}

interface CheckDocument {
  readonly bytes: number;
  readonly records: number;
  readonly damagedRows: number;
  readonly badPlaces: number;
}

export interface KeyDocument {
  readonly bucket: string;
  readonly key: string;
  readonly encoding: "utf8" | "base64";
  readonly partition: number;
  /** Null when it cannot be read. */
  readonly rowBytes: number | null;
  readonly segment: number;
  readonly state: "good" | "damaged" | "doubtful";
}

export function documentOf(store: InspectedStore, keysMax: number | undefined): StoreDocument {
  const identity = identityDocument(store);
  const log = store.log === undefined ? null : logDocument(store.log);
  const isDamaged =
    identity.state === "damaged" ||
    (log !== null && (log.loss !== null || log.totals.damagedKeys > 0));
  return {
    directory: store.path,
    engine: store.engine ?? null,
    verdict: isDamaged ? "damaged" : "good",
    identity,
    log,
    keys: keysMax === undefined || store.log === undefined ? null : keysOf(store.log, keysMax),
  };
}

function identityDocument({ stored, place, log }: InspectedStore): IdentityDocument {
  const found: Partial<Identity> = stored.kind === "found" ? stored.identity : {};
  const { clusterId, nodeId, actor, generation, leaseEnd, bootFloor, isClean, isSettled } = found;
  return {
    state: stored.kind,
    clusterId: clusterId ?? null,
    nodeId: nodeId ?? null,
    actor: actor === undefined ? null : half(actor.high) + half(actor.low),
    generation: generation ?? null,
    leaseEnd: leaseEnd ?? null,
    bootFloor: bootFloor ?? null,
    isClean: isClean ?? null,
    isSettled: isSettled ?? null,
    isAtHome: found.place === undefined ? null : found.place === "" || found.place === place,
    hasItsRows: hasItsRows(found.rows, log),
  };
}

function hasItsRows(known: StoreMark | undefined, log: InspectedLog | undefined): boolean | null {
  if (known === undefined || log === undefined) return null;
  const { store, sequence: writes } = log.recovered;
  return !isBehind({ store, writes }, known);
}

function logDocument({ recovered, manifests, checks }: InspectedLog): LogDocument {
  const { store, segments: all, index, findings, sequence } = recovered;
  const counts = countKeys(index, all);
  const list = [...all];
  const segments = list.map((segment, at): SegmentDocument => {
    const { number, isSealed, end, live, first, hasHint } = segment;
    const counted = checks?.get(number)?.records;
    // Behind one that could not be read, numbers were left out.
    const isUnsure = all.isDoubtful(number, 0);
    return {
      number,
      state: isSealed ? "sealed" : "active",
      bytes: end,
      liveBytes: live,
      records: counted ?? (isUnsure ? null : recordsOf(segment, list[at + 1], sequence)),
      ...(counts.get(number) ?? { keys: 0, damagedKeys: 0 }),
      first,
      hasHint,
    };
  });
  const bytes = sum(segments.map((segment) => segment.bytes));
  const liveBytes = sum(segments.map((segment) => segment.liveBytes));
  return {
    store: Buffer.from(store).toString("hex"),
    manifests: manifests.map(({ generation, ...rest }) => {
      return { ...rest, generation: generation ?? null };
    }),
    segments,
    totals: {
      segments: segments.length,
      bytes,
      liveBytes,
      liveShare: bytes === 0 ? 1 : liveBytes / bytes,
      keys: index.keys.count,
      keyAndRowBytes: index.bytes,
      damagedKeys: sum(segments.map(({ damagedKeys }) => damagedKeys)),
    },
    findings,
    loss: all.loss ?? null,
    check: checks === undefined ? null : checkDocument([...checks.values()]),
  };
}

/** Inside a segment no sequence number is left out, so the next one tells how many there were. */
function recordsOf(
  { number, first }: Segment,
  next: Segment | undefined,
  lastSequence: number,
): number | null {
  if (next === undefined) return Math.max(0, lastSequence + 1 - first);
  return next.number === number + 1 ? next.first - first : null;
}

function countKeys(
  index: LogIndex,
  segments: Segments,
): ReadonlyMap<number, { keys: number; damagedKeys: number }> {
  const counts = new Map<number, { keys: number; damagedKeys: number }>();
  for (const { number } of segments) counts.set(number, { keys: 0, damagedKeys: 0 });
  for (let partition = 0; partition < index.keys.partitions; partition++) {
    for (const number of numbersOf(index, partition)) {
      const count = counts.get(index.segmentOf(number))!;
      count.keys++;
      if (index.lengthOf(number) === DAMAGED_LENGTH) count.damagedKeys++;
    }
  }
  return counts;
}

function checkDocument(checks: readonly CheckDocument[]): CheckDocument {
  return {
    bytes: sum(checks.map(({ bytes }) => bytes)),
    records: sum(checks.map(({ records }) => records)),
    damagedRows: sum(checks.map(({ damagedRows }) => damagedRows)),
    badPlaces: sum(checks.map(({ badPlaces }) => badPlaces)),
  };
}

function keysOf({ recovered }: InspectedLog, keysMax: number): readonly KeyDocument[] {
  const { index, segments } = recovered;
  const { keys } = index;
  const found: KeyDocument[] = [];
  for (let partition = 0; partition < keys.partitions; partition++) {
    const named = numbersOf(index, partition).map((number) => ({
      number,
      key: keys.keyOf(number),
    }));
    for (const { number } of named.sort((one, other) => (one.key < other.key ? -1 : 1))) {
      if (found.length === keysMax) return found;
      found.push(keyDocument(index, segments, partition, number));
    }
  }
  return found;
}

function numbersOf({ keys }: LogIndex, partition: number): number[] {
  const numbers: number[] = [];
  keys.walk(partition, FIRST_POSITION, Infinity, numbers);
  return numbers;
}

function keyDocument(
  index: LogIndex,
  segments: Segments,
  partition: number,
  number: number,
): KeyDocument {
  const key = index.keys.keyOf(number);
  const segment = index.segmentOf(number);
  const length = index.lengthOf(number);
  const isDamaged = length === DAMAGED_LENGTH;
  const isDoubtful = segments.isDoubtful(segment, index.offsetOf(number));
  return {
    bucket: bucketOf(key),
    ...userKeyText(key),
    partition,
    rowBytes: isDamaged ? null : length - RECORD_HEAD_BYTES - key.length,
    segment,
    state: isDamaged ? "damaged" : isDoubtful ? "doubtful" : "good",
  };
}

function userKeyText(key: Key): { readonly key: string; readonly encoding: "utf8" | "base64" } {
  const binary = userKeyOf(key);
  const text = fromBinary(binary);
  if (toBinary(text) === binary) return { key: text, encoding: "utf8" };
  return { key: Buffer.from(binary, "latin1").toString("base64"), encoding: "base64" };
}

function half(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

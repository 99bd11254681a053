/** The text of `gramme inspect` for people: what is there, what is wrong, and what it means. */
import type {
  IdentityDocument,
  KeyDocument,
  LogDocument,
  SegmentDocument,
  StoreDocument,
} from "./inspect-document.ts";
import { paint, print, showBytes, table } from "./output.ts";

export function printReport(store: StoreDocument): void {
  print(`data directory ${paint("bold", store.directory)}`);
  printIdentity(store.identity);
  if (store.log !== null) printLog(store.log);
  else if (store.engine === null) print("rows       none were kept yet");
  else print(`rows       kept by the engine ${store.engine}, which has tools of its own`);
  if (store.keys !== null && store.log !== null) printKeys(store.keys, store.log.totals.keys);
}

function printIdentity(identity: IdentityDocument): void {
  const { state, clusterId, nodeId, actor, generation, leaseEnd, bootFloor } = identity;
  switch (state) {
    case "nothing":
      print("identity   none: the next start draws one");
      return;
    case "damaged":
      print(`identity   ${paint("red", "damaged")}: the next start draws a new one`);
      return;
    case "newer":
      print("identity   written by a later release: this one can neither read nor start it");
      return;
    case "found":
      print(`identity   node ${paint("bold", nodeId!)} of cluster ${paint("bold", clusterId!)}`);
      print(`           actor ${actor}, generation ${generation}`);
      print(`           epochs from ${leaseEnd} on were never used, boot floor ${bootFloor}`);
      print(`           ${stopOf(identity)}`);
      if (identity.isSettled === false) {
        print("           its rows were put back: a start asks other members whether they count");
      }
  }
}

function stopOf({ isClean, isAtHome, hasItsRows }: IdentityDocument): string {
  if (isAtHome === false) {
    return "written in another place: this is a copy, and the next start draws a new actor";
  }
  if (hasItsRows === false) {
    return "its rows are older than it, or others: the next start draws a new actor";
  }
  if (isClean === true) return "stopped in order: the next start goes on where it ended";
  return "not stopped in order: the next start raises the boot floor";
}

function printLog(log: LogDocument): void {
  const manifests = log.manifests.map(({ file, state, generation }) => {
    return `${file} ${state === "good" ? `generation ${generation}` : state}`;
  });
  print(`log        store ${log.store}; ${manifests.join(", ")}`);
  print("");
  const head = ["SEGMENT", "STATE", "BYTES", "LIVE", "RECORDS", "KEYS", "DAMAGED", "FIRST", "HINT"];
  const right = ["SEGMENT", "BYTES", "LIVE", "RECORDS", "KEYS", "DAMAGED", "FIRST"];
  print(table({ head, right, rows: log.segments.map(rowOf) }));
  print("");
  const { keys, keyAndRowBytes, segments, bytes, liveShare } = log.totals;
  print(`totals     ${keys} keys, ${showBytes(keyAndRowBytes)} of keys and rows`);
  print(`           ${segments} segments, ${showBytes(bytes)}, ${showShare(liveShare)} of it live`);
  printFindings(log);
}

function rowOf(segment: SegmentDocument): readonly string[] {
  const { number, state, bytes, liveBytes, records, keys, damagedKeys, first, hasHint } = segment;
  return [
    String(number),
    state,
    showBytes(bytes),
    showShare(liveBytes / bytes),
    records === null ? "-" : String(records),
    String(keys),
    damagedKeys === 0 ? "0" : paint("red", String(damagedKeys)),
    String(first),
    hasHint ? "yes" : "no",
  ];
}

function printFindings({ findings, totals, loss, check }: LogDocument): void {
  const lines: string[] = [];
  if (findings.tornBytes > 0) {
    const torn = `${findings.tornBytes} bytes of a write that was under way at a crash`;
    lines.push(`${torn}: the next start cuts them off`);
  }
  if (totals.damagedKeys > 0) {
    lines.push(paint("red", `damaged: the rows of ${totals.damagedKeys} keys cannot be read`));
    lines.push("a write to such a key, or repair from another owner, mends it");
  }
  if (loss !== null) {
    const place = `before byte ${loss.offset} of segment ${loss.segment}`;
    lines.push(paint("red", `lost: records of unknown keys, ${place}`), LOSS_MEANS);
    lines.push("see --accept-losses");
  }
  if (check === null) {
    if (lines.length === 0) lines.push("nothing is wrong that a start would see");
    lines.push("rows behind hint files were not read: --check reads every record");
  } else {
    const { records, bytes, damagedRows, badPlaces } = check;
    lines.push(`every record was read: ${records} records, ${showBytes(bytes)}`);
    lines.push(`${damagedRows} damaged rows that a start does not see`);
    if (badPlaces > 0) lines.push(`${badPlaces} places where no record begins`);
  }
  lines.forEach((line, at) => print(`${(at === 0 ? "findings" : "").padEnd(11)}${line}`));
}

/** Also told by the help. */
export const LOSS_MEANS: string =
  "whatever lies before may be out of date, so it is answered as damaged";

function printKeys(keys: readonly KeyDocument[], total: number): void {
  print("");
  const head = ["PARTITION", "KEY", "ROW", "SEGMENT", "STATE"];
  const rows = keys.map(({ partition, bucket, key, encoding, rowBytes, segment, state }) => [
    String(partition),
    `${bucket}/${encoding === "utf8" ? JSON.stringify(key) : `base64 ${key}`}`,
    rowBytes === null ? "-" : showBytes(rowBytes),
    String(segment),
    state === "good" ? state : paint("red", state),
  ]);
  print(table({ head, right: ["PARTITION", "ROW", "SEGMENT"], rows }));
  if (keys.length < total) print(`… and ${total - keys.length} more: --limit shows them`);
}

function showShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

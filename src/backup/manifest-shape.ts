/**
 * What each field of a manifest must be. The checksum finds what changed by accident; it is no
 * secret, and a manifest that somebody wrote by hand is believed no more than any other stranger.
 *
 *     {"files": [{"name": "data-0001", "bytes": "9", …}], …}     ─▶  "backup.files[0].bytes"
 */
type Check = (value: unknown, place: string) => string | undefined;

/** The place of the first field that is not what it must be. */
export function misshapenField(manifest: unknown): string | undefined {
  return MANIFEST(manifest, "backup");
}

const COUNT: Check = passes((value) => Number.isSafeInteger(value) && Number(value) >= 0);
const TRUTH: Check = passes((value) => typeof value === "boolean");
const TEXT: Check = passes((value) => typeof value === "string");
/** Goes to terminals as it is. */
const PLAIN: Check = matches(/^[\x20-\x7e]*$/);
const HEX: Check = matches(/^[0-9a-f]{16}$/);

const NODE: Check = record({ id: PLAIN, address: PLAIN, reached: TRUTH, findings: TEXT });
const FILE: Check = record({ name: PLAIN, bytes: COUNT, blocks: COUNT });
const PARTITION: Check = record({
  partition: COUNT,
  read: list(PLAIN),
  keys: COUNT,
  entries: COUNT,
  bytes: COUNT,
  digest: HEX,
});
const ROW: Check = record({
  node: PLAIN,
  partition: COUNT,
  bucket: PLAIN,
  key: TEXT,
  encoding: matches(/^(utf8|base64)$/),
  isSaved: TRUTH,
});
const MANIFEST: Check = record({
  version: COUNT,
  id: HEX,
  program: PLAIN,
  startedAt: PLAIN,
  finishedAt: PLAIN,
  cluster: record({
    id: PLAIN,
    epoch: COUNT,
    strategy: PLAIN,
    replicas: COUNT,
    partitions: COUNT,
    nodes: list(NODE),
  }),
  owners: matches(/^(all|one)$/),
  complete: TRUTH,
  files: list(FILE),
  partitions: list(PARTITION),
  damaged: record({ count: COUNT, rows: list(ROW) }),
});

function passes(isGood: (value: unknown) => boolean): Check {
  return (value, place) => (isGood(value) ? undefined : place);
}

function matches(pattern: RegExp): Check {
  return passes((value) => typeof value === "string" && pattern.test(value));
}

function list(element: Check): Check {
  return (value, place) => {
    if (!Array.isArray(value)) return place;
    for (const [index, each] of value.entries()) {
      const bad = element(each, `${place}[${index}]`);
      if (bad !== undefined) return bad;
    }
    return undefined;
  };
}

function record(fields: { readonly [name: string]: Check }): Check {
  const checks = Object.entries(fields);
  return (value, place) => {
    if (typeof value !== "object" || value === null) return place;
    for (const [name, check] of checks) {
      const bad = check((value as { readonly [name: string]: unknown })[name], `${place}.${name}`);
      if (bad !== undefined) return bad;
    }
    return undefined;
  };
}

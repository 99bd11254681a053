/** The storage among the settings of a node, checked. Without it rows are kept in memory alone. */
import { resolve } from "node:path";
import {
  ENGINE_KINDS,
  STORAGE_DEFAULTS,
  type StorageSettings,
  SYNC_KINDS,
} from "../disk/storage-settings.ts";
import { refuseUnknown, refuseUnlessInteger, SettingsError } from "./settings-error.ts";

export type GivenStorage = Partial<StorageSettings> & Pick<StorageSettings, "dir">;

const KIB = 1024;
const GIB = 1024 * 1024 * 1024;
const FIELDS: ReadonlySet<string> = new Set<keyof StorageSettings>([
  "dir",
  "engine",
  "sync",
  "syncIntervalMs",
  "segmentBytes",
  "reserveBytes",
  "recentBytes",
  "restored",
  "keepRows",
  "giveUpRows",
]);
const LOG_FIELDS = ["segmentBytes", "reserveBytes", "recentBytes"] as const;
const BOUNDS = {
  syncIntervalMs: { min: 1, max: 600_000, hint: "1000 is usual: what a power failure may take" },
  segmentBytes: { min: 64 * KIB, max: GIB, hint: "32 MiB is usual" },
  reserveBytes: { min: 64 * KIB, max: 64 * GIB, hint: "64 MiB is usual: twice a segment" },
  recentBytes: { min: 64 * KIB, max: 64 * GIB, hint: "32 MiB is usual" },
} as const;

export function checkedStorage(given: GivenStorage): StorageSettings {
  refuseUnknown("storage.", given, FIELDS);
  const settings: StorageSettings = { ...STORAGE_DEFAULTS, ...given };
  const { dir, engine, sync, restored, keepRows, giveUpRows } = settings;
  if (typeof dir !== "string" || dir === "") {
    throw new SettingsError("storage.dir", dir, "must be a path", "like /var/lib/gramme");
  }
  if (typeof restored !== "boolean") {
    const hint = "true for a directory that comes from a backup";
    throw new SettingsError("storage.restored", restored, "must be true or false", hint);
  }
  if (typeof keepRows !== "boolean") {
    const hint = "true for rows that were put back and are to count";
    throw new SettingsError("storage.keepRows", keepRows, "must be true or false", hint);
  }
  if (typeof giveUpRows !== "boolean") {
    const hint = "true for rows that were put back and may be moved aside";
    throw new SettingsError("storage.giveUpRows", giveUpRows, "must be true or false", hint);
  }
  if (keepRows && giveUpRows) {
    const hint = "leave one of them out";
    throw new SettingsError("storage.giveUpRows", giveUpRows, "keepRows says the opposite", hint);
  }
  oneOf("engine", engine, ENGINE_KINDS);
  oneOf("sync", sync, SYNC_KINDS);
  if (engine === "lmdb" && sync !== "always") {
    const hint = "leave it out: without syncs a power failure can make an LMDB file unreadable";
    throw new SettingsError("storage.sync", sync, "the engine lmdb always syncs", hint);
  }
  if (engine === "level" && sync === "interval") {
    const hint = "choose always or never";
    throw new SettingsError("storage.sync", sync, "the engine level does not sync by time", hint);
  }
  for (const field of LOG_FIELDS) {
    if (engine === "log" || given[field] === undefined) continue;
    const hint = "leave it out, or choose the engine log";
    throw new SettingsError(`storage.${field}`, given[field], "is for the engine log only", hint);
  }
  for (const [field, bound] of Object.entries(BOUNDS)) {
    refuseUnlessInteger(`storage.${field}`, settings[field as keyof typeof BOUNDS], bound);
  }
  return { ...settings, dir: resolve(dir) };
}

function oneOf(field: "engine" | "sync", value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  const problem = `must be ${known.slice(0, -1).join(", ")} or ${known.at(-1)!}`;
  throw new SettingsError(`storage.${field}`, value, problem, `${known[0]!} is usual`);
}

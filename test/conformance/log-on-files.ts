/** The log engine over real files, in the form in which the library engines open. */
import { openEngine } from "#src/disk/opened-engine.ts";
import { STORAGE_DEFAULTS, type SyncKind } from "#src/disk/storage-settings.ts";
import type { Opened, OpenEngine } from "./engine-on-disk.ts";

/** Small, so that a test meets many segments, hint files and compactions. */
const SIZES = { segmentBytes: 256 * 1024, reserveBytes: 64 * 1024, recentBytes: 64 * 1024 };

async function openLog(sync: SyncKind, directory: string): Promise<Opened> {
  const settings = { ...STORAGE_DEFAULTS, ...SIZES, dir: directory, sync, syncIntervalMs: 20 };
  const opened = await openEngine(directory, settings);
  return {
    begin(events) {
      const engine = opened.begin(events);
      const close = engine.close.bind(engine);
      engine.close = (closed) => {
        close(() => {
          void opened.rest().then(() => closed());
        });
      };
      return engine;
    },
  };
}

export const AlwaysLog: { open: OpenEngine } = {
  open: (directory) => openLog("always", directory),
};
export const IntervalLog: { open: OpenEngine } = {
  open: (directory) => openLog("interval", directory),
};
export const NeverLog: { open: OpenEngine } = { open: (directory) => openLog("never", directory) };

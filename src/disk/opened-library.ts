/**
 * The rows of a library, opened: what they are is known, and who hears the events of their engine
 * is not.
 */
import type { Engine, EngineEvents } from "../core/storage/engine.ts";
import type { StoreMark } from "../core/storage/store-mark.ts";
import type { Library } from "./library-engine-commits.ts";

export interface LibraryEngine extends Engine {
  /** How far the rows have come. */
  readonly mark: StoreMark;
}

export interface OpenedLibrary {
  readonly mark: StoreMark;
  /** Nobody ever wrote to it. */
  readonly isEmpty: boolean;
  /** Once. */
  begin(events: EngineEvents): LibraryEngine;
  /** Waits for what is under way. The engine closes it too: the first one does it, for all. */
  close(): Promise<void>;
}

/** What `look` finds in a library that was just opened; when it fails, nobody holds it open. */
export async function orClosed<Found>(
  library: Library,
  look: () => Promise<Found>,
): Promise<Found> {
  try {
    return await look();
  } catch (error) {
    await library.close().catch(() => {});
    throw error;
  }
}

/**
 * The rows of a library, opened: what they are is known, and who hears the events of their engine
 * is not. Either an engine begins on them, which closes them in the end, or they are closed.
 */
import type { Engine, EngineEvents } from "../core/storage/engine.ts";
import type { StoreMark } from "../core/storage/store-mark.ts";

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
  /** Instead of beginning. */
  close(): Promise<void>;
}

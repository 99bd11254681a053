/**
 * Rows that were put back and were too old to be joined with those of the others
 * (`core/identity/settling.ts`): moved out of the way, and never touched again.
 *
 *     DIR/log ──▶ DIR/log.given-up-1          one rename: the rows are here or there
 *
 * A start that is cut off right after it finds a directory without rows, as one whose disk is lost.
 * Whoever wants them after all gives them their name again and says so (`--keep-rows`).
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { DirectoryError } from "./directory-error.ts";
import { SYNCS_DIRECTORIES } from "./make-directory.ts";
import { ENGINE_KINDS, type EngineKind } from "./storage-settings.ts";

const NAME = new RegExp(`^(?:${ENGINE_KINDS.join("|")})\\.given-up-([0-9]+)$`);

/** The paths of all there are in a data directory, oldest first. */
export function givenUpIn(path: string): readonly string[] {
  return namesIn(path).map((name) => join(path, name));
}

/** Where the next ones will be. */
export function nextGivenUp(path: string, engine: EngineKind): string {
  const last = namesIn(path).at(-1);
  const number = last === undefined ? 1 : numberOf(last) + 1;
  return join(path, `${engine}.given-up-${number}`);
}

/** Their files are closed. Throws a DirectoryError. */
export function moveAside(path: string, engine: EngineKind, aside: string): void {
  try {
    fs.renameSync(join(path, engine), aside);
    if (!SYNCS_DIRECTORIES) return;
    const descriptor = fs.openSync(path, "r");
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch (error) {
    throw DirectoryError.of(path, `move its rows to ${aside}`, error);
  }
}

function namesIn(path: string): readonly string[] {
  const names = fs.readdirSync(path).filter((name) => NAME.test(name));
  return names.toSorted((one, other) => numberOf(one) - numberOf(other));
}

function numberOf(name: string): number {
  return Number(NAME.exec(name)![1]);
}

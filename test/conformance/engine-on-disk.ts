/**
 * A directory of its own for an engine over real files, and the stand for the conformance suite
 * around it: it counts what is not completed yet, so that it can wait for it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import type { Engine, EngineEvents } from "#src/core/storage/engine.ts";
import type { EngineUnderTest } from "./engine-stand.ts";

export interface Opened {
  begin(events: EngineEvents): Engine;
}
export type OpenEngine = (directory: string) => Promise<Opened>;

/** Gone when the tests of the file are over. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "gramme-engine-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export async function engineOnDisk(
  open: OpenEngine,
  directory: string,
  events: EngineEvents,
): Promise<EngineUnderTest> {
  let outstanding = 0;
  let onSettled = (): void => {};
  const opened = await open(directory);
  const engine = opened.begin({
    completed: (token, answer) => {
      outstanding--;
      events.completed(token, answer);
      if (outstanding === 0) onSettled();
    },
    failed: (problem) => events.failed(problem),
  });
  const write = engine.write.bind(engine);
  engine.write = (writes, token) => {
    outstanding++;
    write(writes, token);
  };
  const settle = async (): Promise<void> => {
    engine.flush();
    if (outstanding > 0) await new Promise<void>((resolve) => (onSettled = resolve));
  };
  return { engine, settle, reopen: (again) => engineOnDisk(open, directory, again) };
}

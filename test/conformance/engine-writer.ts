/**
 * A process that writes to an engine until it is killed, and says on its standard output what was
 * completed: the token of each write, a line each.
 *
 *     node engine-writer.js <module> <class> <directory> <first number>
 *
 * Every write puts two rows that hold its number, one of them under a key longer than 2000 bytes.
 * Every second one puts a third row, and the others remove it.
 */
import { writeSync } from "node:fs";
import { Random } from "#src/core/base/random.ts";
import { keyOf, type Key } from "#src/core/ring/key.ts";
import type { Engine, EngineEvents, RowWrite } from "#src/core/storage/engine.ts";
import type { OpenEngine } from "./engine-on-disk.ts";

export const WRITER_KEYS = 300;
export const WRITER_PARTITION = 5;

export function writerKeys(index: number): readonly [Key, Key] {
  return [keyOf("crash", `${index}`), keyOf("crash", `${index} ${"long ".repeat(400)}${index}`)];
}

/** The third key: it has a row when the number is even. */
export function comingAndGoing(index: number): Key {
  return keyOf("crash", `${index} comes and goes`);
}

/** A token is the number of the write and the index of its keys in one. */
export function tokenOf(number: number, index: number): number {
  return number * WRITER_KEYS + index;
}

export function numberOf(token: number): number {
  return Math.floor(token / WRITER_KEYS);
}

export function indexOf(token: number): number {
  return token % WRITER_KEYS;
}

export function numberIn(row: Uint8Array): number {
  return new DataView(row.buffer, row.byteOffset).getFloat64(0);
}

interface EngineClass {
  readonly open: OpenEngine;
}

const WRITES_OF_A_TURN = 8;
const UNDER_WAY_MAX = 64;

async function write(open: OpenEngine, directory: string, first: number): Promise<void> {
  const random = new Random(`writer ${first}`);
  let underWay = 0;
  let number = first;
  let lines = "";
  const events: EngineEvents = {
    completed: (token) => {
      underWay--;
      lines += `${token}\n`;
    },
    failed: (problem) => {
      throw new Error(problem);
    },
  };
  const engine: Engine = (await open(directory)).begin(events);
  const onTurn = (): void => {
    if (lines !== "") writeSync(1, lines);
    lines = "";
    for (let i = 0; i < WRITES_OF_A_TURN && underWay < UNDER_WAY_MAX; i++) {
      const index = random.integer(WRITER_KEYS);
      underWay++;
      engine.write(writesOf(index, number), tokenOf(number, index));
      number++;
    }
    engine.flush();
    setImmediate(onTurn);
  };
  onTurn();
}

function writesOf(index: number, number: number): RowWrite[] {
  const row = new Uint8Array(100 + (number % 400));
  new DataView(row.buffer).setFloat64(0, number);
  const [short, long] = writerKeys(index);
  return [
    { partition: WRITER_PARTITION, key: short, row },
    {
      partition: WRITER_PARTITION,
      key: comingAndGoing(index),
      row: number % 2 === 0 ? row : undefined,
    },
    { partition: WRITER_PARTITION, key: long, row },
  ];
}

const [, program, module, name, directory, first] = process.argv;
if (program !== undefined && import.meta.filename === program && module !== undefined) {
  const engines = (await import(module)) as Record<string, EngineClass>;
  const { open } = engines[name!]!;
  await write((path) => open(path), directory!, Number(first));
}

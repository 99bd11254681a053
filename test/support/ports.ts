/**
 * Ports for the nodes of tests, and of no other test that runs at the same time.
 *
 * A node that was killed is dialled again and again: were its port taken meanwhile by a node of
 * another test, two clusters would find each other. So every process of tests has a block of ports
 * of its own, outside of those that the system hands out, and shows that by listening at the first.
 *
 *     10000            10200            10400
 *     │guard, 199 ports│guard, 199 ports│ …                below 32768, where the system begins
 */
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const FIRST = 10_000;
const BLOCK = 200;
const BLOCKS = 110;
const HOST = "127.0.0.1";
const FREE_WITHIN_MS = 10_000;

interface Block {
  /** The guard's. */
  readonly first: number;
  next: number;
}

let own: Promise<Block> | undefined;

/** Of those that nobody listens at. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const base = await freeBasePort(count);
  return Array.from({ length: count }, (_, index) => base + index);
}

/** The first of so many that follow each other. */
export async function freeBasePort(count: number): Promise<number> {
  const block = await (own ??= takeBlock());
  for (let tried = 0; tried < BLOCK; tried++) {
    if (block.next + count > block.first + BLOCK) block.next = block.first + 1;
    const base = block.next;
    block.next += count;
    const ports = Array.from({ length: count }, (_, index) => base + index);
    const free = await Promise.all(ports.map(canListen));
    if (free.every((isFree) => isFree)) return base;
  }
  throw new Error(`of ${BLOCK} ports from ${block.first} on no ${count} in a row are free`);
}

/** Nobody listens there any more: what listened has ended. */
export async function untilFree(ports: readonly number[]): Promise<void> {
  const end = performance.now() + FREE_WITHIN_MS;
  for (const port of ports) {
    while (!(await canListen(port))) {
      if (performance.now() > end) throw new Error(`port ${port} is not free in time`);
      await sleep(20);
    }
  }
}

export function at(port: number): string {
  return `${HOST}:${port}`;
}

async function takeBlock(): Promise<Block> {
  const start = Math.floor(Math.random() * BLOCKS);
  for (let tried = 0; tried < BLOCKS; tried++) {
    const first = FIRST + ((start + tried) % BLOCKS) * BLOCK;
    const guard = await listenAt(first);
    if (guard === undefined) continue;
    guard.unref();
    return { first, next: first + 1 };
  }
  throw new Error(`all ${BLOCKS} blocks of ports from ${FIRST} on are taken`);
}

async function canListen(port: number): Promise<boolean> {
  const server = await listenAt(port);
  if (server === undefined) return false;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return true;
}

function listenAt(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ host: HOST, port }, () => resolve(server));
  });
}

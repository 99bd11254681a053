/**
 * Where the other members were met last, so that a node finds its cluster again when every
 * seed is gone.
 *
 *     gramme addresses 7          the seventh that was written
 *     n2 db2:7400
 *     n3 10.0.0.9:7400
 *     sum 5f1c03aa                of all the lines above
 *
 * There are two files, written in turn, whole: wherever a write is cut off, the one before is still
 * there. It is a memory and no more. What cannot be read is not known, a full disk only keeps an
 * older one, and an address in it is somewhere to ask: whoever is there says who it is.
 */
import { hash32OfString } from "../core/base/hash.ts";
import { utf8Decode, utf8Encode } from "../core/base/utf8.ts";
import { LAYOUT_NODES_MAX } from "../core/ring/layout.ts";
import type { AppendAnswer, Disk } from "../core/storage/disk.ts";
import { UNREADABLE } from "../core/storage/disk.ts";
import type { DataDirectory } from "./data-directory.ts";
import { written } from "./written.ts";

const FILES = ["addresses-0", "addresses-1"] as const;
const BYTES_MAX = 1024 * 1024;
const SEED = 0x6164_6472;
const TEXT = /^gramme addresses ([0-9]{1,15})\n((?:[A-Za-z0-9._-]{1,64} [\x21-\x7e]{1,255}\n)*)$/;
const SUM = /^sum ([0-9a-f]{8})\n$/;
const SUM_LENGTH = "sum 00000000\n".length;

interface Written {
  readonly count: number;
  readonly addresses: Map<string, string>;
}

export class AddressFile {
  readonly #disk: Disk;
  /** Whoever has moved goes to the end. */
  readonly #addresses: Map<string, string>;
  #count: number;
  #isChanged = false;
  #isWriting = false;
  #isOver = false;
  #onRest: () => void = () => {};

  constructor(disk: Disk) {
    const [one, other] = FILES.map((file) => readFrom(disk, file));
    const last = (one?.count ?? -1) > (other?.count ?? -1) ? one : other;
    this.#disk = disk;
    this.#addresses = last?.addresses ?? new Map();
    this.#count = last?.count ?? 0;
  }

  get addresses(): readonly string[] {
    return [...this.#addresses.values()];
  }

  remember(member: string, address: string): void {
    if (this.#isOver || this.#addresses.get(member) === address) return;
    this.#addresses.delete(member);
    this.#addresses.set(member, address);
    if (this.#addresses.size > LAYOUT_NODES_MAX) {
      for (const [oldest] of this.#addresses) {
        this.#addresses.delete(oldest);
        break;
      }
    }
    this.#isChanged = true;
    this.#write();
  }

  /** Resolves when nothing is being written any more, and nothing will be. */
  close(): Promise<void> {
    this.#isOver = true;
    return new Promise((resolve) => {
      this.#onRest = resolve;
      if (!this.#isWriting) resolve();
    });
  }

  /** One write at a time; what changes meanwhile makes the next. */
  #write(): void {
    if (this.#isWriting || !this.#isChanged) return;
    this.#isWriting = true;
    this.#isChanged = false;
    this.#count++;
    const file = FILES[this.#count % FILES.length]!;
    const bytes = utf8Encode(textOf({ count: this.#count, addresses: this.#addresses }));
    const finish = (): void => this.#onWritten();
    const then = (next: () => void) => (answer: AppendAnswer) => {
      if (answer === "done") next();
      else finish();
    };
    const sync = (): void => this.#disk.sync(file, finish);
    const append = (): void => this.#disk.append(file, [bytes], then(sync));
    this.#disk.remove(file, 0, then(append));
  }

  #onWritten(): void {
    this.#isWriting = false;
    if (this.#isOver) this.#onRest();
    else this.#write();
  }
}

/**
 * What another directory has met is not for this one to look for, nor for its next start. Rejects
 * with a DirectoryError.
 */
export async function forgetAddresses({ disk, path }: DataDirectory): Promise<void> {
  const names = new Set(disk.list().map(({ name }) => name));
  for (const file of FILES) {
    if (!names.has(file)) continue;
    await written(path, file, (done) => disk.remove(file, 0, done));
    await written(path, file, (done) => disk.sync(file, done));
  }
}

function textOf({ count, addresses }: Written): string {
  const lines = [...addresses].map(([member, address]) => `${member} ${address}\n`);
  const text = `gramme addresses ${count}\n${lines.join("")}`;
  return `${text}sum ${sumOf(text)}\n`;
}

function readFrom(disk: Disk, file: string): Written | undefined {
  const bytes = disk.read(file, 0, BYTES_MAX);
  const whole = bytes === UNREADABLE ? "" : (utf8Decode(bytes) ?? "");
  const text = whole.slice(0, -SUM_LENGTH);
  const [, count, lines = ""] = TEXT.exec(text) ?? [];
  const [, sum] = SUM.exec(whole.slice(-SUM_LENGTH)) ?? [];
  if (count === undefined || sum !== sumOf(text)) return undefined;
  const pairs = lines.split("\n").slice(0, -1);
  const addresses = new Map(pairs.map((pair) => pair.split(" ") as [string, string]));
  return { count: Number(count), addresses };
}

function sumOf(text: string): string {
  return hash32OfString(text, SEED).toString(16).padStart(8, "0");
}

/**
 * What a simulated host keeps its node's data in: who the node is, and its rows. It outlives the
 * process.
 *
 *     closed ──open──▶ opening ──opened──▶ open ──close──▶ closing ──▶ closed
 *        ▲                │                  │                │
 *        └────────────────┴───── crash ──────┴────────────────┘
 *
 * There are two: a model, in which a restart is a moment and the rows are a map (`ModelStorage`),
 * and the log engine with the identity files over a disk that fails (`LogStorage`). The first is
 * quick and says what is promised; the second is what runs in the end.
 */
import type { ActorId } from "../core/causality/actor.ts";
import type { StoredIdentity } from "../core/identity/identity-file.ts";
import type { EpochLease } from "../core/replica/epochs.ts";
import type { Key } from "../core/ring/key.ts";
import type { DiskAnswer, Engine, RowEntry, RowRead, RowWrite } from "../core/storage/engine.ts";
import type { Fact } from "../core/facts.ts";
import type { RestartKind } from "./observer.ts";

export type StorageKind = "model" | "log";

/** Who dies: the process alone, or the machine with what its disk had not written. */
export type Death = "process" | "machine";

/** Who the node is in this life. */
export interface OpenedStorage {
  readonly actor: ActorId;
  readonly generation: number;
  readonly epochs: EpochLease;
  /** Otherwise its rows may have been put back, and it asks before it speaks (`settling.ts`). */
  readonly isSettled: boolean;
  /** What the restart turned out to be; undefined for the first boot of all. */
  readonly restart: RestartKind | undefined;
}

export interface StorageEvents {
  /** Maybe from within `open`. */
  opened(storage: OpenedStorage): void;
  completed(token: number, answer: DiskAnswer): void;
  /** The process has to end, and says why. */
  failed(problem: string): void;
  /** A row is damaged, or gone, that was there when it was last looked at. */
  lost(key: Key): void;
  /** The node has read a row. Storages that cannot be wrong do not tell. */
  read(key: Key, row: RowRead): void;
}

/** `usual`: with everything that survived the stop, whatever that is. */
export type Boot = RestartKind | "first" | "usual";

export interface NodeStorage extends Pick<Engine, "get" | "scan"> {
  /** Of this boot or the last one. */
  readonly generation: number;
  /** It opens, or will when it is closed. */
  readonly isStarting: boolean;
  open(boot: Boot): void;
  /** False when there is no room, and nothing was stored. */
  write(writes: readonly RowWrite[], token: number): boolean;
  /** An event of the scheduler with this number is due. */
  onDue(number: number): void;
  /** The process has been given an input, and what came of it is known. */
  endInput(): void;
  onFact(fact: Fact): void;
  /** Peers know a younger boot of this node, of this generation. */
  outlived(generation: number): void;
  /** The rows may be believed. The answer is false when there is no room to write that down. */
  settle(answered: (isDurable: boolean) => void): void;
  crash(death: Death): void;
  /** In order; a node that keeps in memory alone what it should remember is not `clean`. */
  close(isClean: boolean): void;
  /** As the next read would see it, also of a node that is down. To look does not change it. */
  visible(partition: number, key: Key): RowRead;
  /** The row as a crash leaves it that loses every uncompleted write. */
  durable(partition: number, key: Key): RowRead;
  /** Every readable row that is no hint, as `visible`. */
  rows(): Iterable<RowEntry>;
  /** What a crash leaves of who the node is; undefined for a storage without such a file. */
  readonly storedIdentity: StoredIdentity | undefined;
  readonly trouble: StorageTrouble;
}

/** What befalls a disk that is real enough: at once, or the next operation that can meet it. */
export const HARMS = [
  "sector-rotted",
  "sector-broken",
  "file-truncated",
  "file-lost",
  "write-misdirected",
  "sector-garbled",
  "sync-failed",
  "append-failed",
] as const;

export type Harm = (typeof HARMS)[number];

/** The faults of a disk, as far as both kinds of storage have them. */
export interface StorageTrouble {
  /** Every sync takes at least so long, until `quicken`. */
  slow(syncMs: number): void;
  quicken(): void;
  fill(): void;
  free(): void;
  /** The row cannot be read any more. False when there is none. */
  damage(partition: number, key: Key): boolean;
  /** False when this disk cannot be harmed so, or has nothing to harm. */
  harm(harm: Harm): boolean;
  /** For a restart as `restored` or `copied`. */
  backUp(): void;
  /** From now on it is at its best. */
  calm(): void;
}

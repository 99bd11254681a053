/**
 * S15: what a disk was said to hold, it holds, or it says that it does not.
 *
 *     written    a    b    c    d           completed: a, b
 *     restart    a    b                     or a b c, or all four: in their order
 *                a   DAMAGED                only where the disk was harmed
 *                a   nothing, or before b   never
 *
 * So after a restart every row is the last one that was completed, or one of those that were
 * written after it, and whatever a node reads in between is what was written last.
 *
 * One thing nobody can tell: that the end of a log was harmed, from a write that was under way when
 * the power failed. So a harmed disk may be without the end of its log after a stop that was not
 * clean.
 *
 * Where it holds: at restarts with what survived the stop. After the others, what is found is where
 * the account begins anew.
 */
import { bytesEqual } from "../../core/base/bytes.ts";
import type { Instant } from "../../core/effects.ts";
import type { Key } from "../../core/ring/key.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { RowRead, RowWrite } from "../../core/storage/engine.ts";
import { DAMAGED } from "../../core/storage/engine.ts";
import type { Checker, RunView } from "../checker.ts";
import type { FaultKind } from "../faults.ts";
import type { Observer, RestartKind } from "../observer.ts";

/** Also of these a disk may lose what was durable. */
const HARMFUL: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "sector-rotted",
  "sector-broken",
  "sector-garbled",
  "file-truncated",
  "file-lost",
  "write-misdirected",
]);

interface Pending {
  readonly token: number;
  readonly writes: readonly RowWrite[];
}

interface Restart {
  readonly node: NodeId;
  readonly kind: RestartKind;
  readonly at: Instant;
}

interface Account {
  /** The last one that was called durable. */
  readonly completed: Map<Key, RowRead>;
  readonly visible: Map<Key, RowRead>;
  /** What a damaged row may be when compaction finds it whole after all. */
  readonly doubtful: Map<Key, readonly RowRead[]>;
  /** Damaged on an older disk that was put back: what they held nobody has written down. */
  readonly unknown: Set<Key>;
  pending: Pending[];
  isHarmed: boolean;
}

export function storage(run: RunView): Checker {
  return new Storage(run);
}

class Storage implements Checker {
  readonly id = "S15";
  readonly rule = "after a restart, what was durable is there or damaged, never absent or other";
  readonly observer: Observer;
  readonly #run: RunView;
  readonly #accounts: Map<NodeId, Account> = new Map();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor(run: RunView) {
    this.#run = run;
    this.observer = {
      onPersist: (node, writes, token) => this.#onPersist(node, writes, token),
      onDurable: (node, token) => this.#onDurable(node, token),
      onRead: (node, key, row) => this.#onRead(node, key, row),
      onRestart: (node, kind, at) => this.#onRestart(node, kind, at),
      onFault: (kind, node) => {
        if (node !== undefined && HARMFUL.has(kind)) this.#accountOf(node).isHarmed = true;
      },
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(): readonly string[] {
    return this.#problems;
  }

  #onPersist(node: NodeId, writes: readonly RowWrite[], token: number): void {
    const { pending, visible } = this.#accountOf(node);
    pending.push({ token, writes });
    for (const { key, row } of writes) visible.set(key, row);
  }

  #onDurable(node: NodeId, token: number): void {
    const account = this.#accountOf(node);
    const first = account.pending.shift();
    if (first?.token !== token) {
      this.#problems.push(`${node} completed ${token}, and ${first?.token} was its turn`);
      return;
    }
    for (const { key, row } of first.writes) account.completed.set(key, row);
  }

  #onRead(node: NodeId, key: Key, row: RowRead): void {
    const { visible, doubtful, unknown, completed, isHarmed } = this.#accountOf(node);
    this.#checked++;
    const last = visible.get(key);
    if (row === DAMAGED ? isHarmed : isSame(row, last)) return;
    const mayBe = [completed.get(key), ...(doubtful.get(key) ?? [])];
    if (last === DAMAGED && (unknown.has(key) || mayBe.some((each) => isSame(row, each)))) {
      visible.set(key, row);
      return;
    }
    this.#problems.push(`${key}: ${node} reads ${describe(row)}, and wrote ${describe(last)}`);
  }

  #onRestart(node: NodeId, kind: RestartKind, at: Instant): void {
    const account = this.#accountOf(node);
    const isWhole = kind === "kept" || kind === "clean";
    if (isWhole) this.#checkOrder(node, account, kind);
    const { completed, visible } = account;
    for (const key of visible.keys()) {
      const row = this.#run.row(node, key);
      if (isWhole) this.#checkRow(key, row, account, { node, kind, at });
      account.doubtful.set(key, row === DAMAGED ? rowsOf(key, account.pending) : []);
      visible.set(key, row);
      if (row === DAMAGED && !isWhole) account.unknown.add(key);
      else if (row !== DAMAGED) account.unknown.delete(key);
      if (row !== DAMAGED || !isWhole) completed.set(key, row);
    }
    account.pending = [];
  }

  #checkRow(key: Key, row: RowRead, account: Account, { node, kind, at }: Restart): void {
    const { completed, pending, isHarmed } = account;
    this.#checked++;
    const last = completed.get(key);
    if (row === DAMAGED) {
      const wasDamaged = last === DAMAGED || account.visible.get(key) === DAMAGED;
      if (isHarmed || wasDamaged || this.#run.storage === "model") return;
    } else if (isSame(row, last) || rowsOf(key, pending).some((each) => isSame(row, each))) {
      return;
    } else if (isHarmed && kind === "kept") {
      return;
    }
    this.#problems.push(
      `${key}: ${node} restarted at ${at} with ${describe(row)}, and ${describe(last)} was durable`,
    );
  }

  /** Of what was not completed a front part is there; all of it after a stop in order. */
  #checkOrder(node: NodeId, { pending, completed, isHarmed }: Account, kind: RestartKind): void {
    if (isHarmed) return;
    const last = new Map<Key, number>();
    let from = kind === "clean" ? pending.length - 1 : -1;
    let to = pending.length - 1;
    for (const [index, { writes }] of pending.entries()) {
      for (const { key } of writes) last.set(key, index);
    }
    for (const key of last.keys()) {
      const found = this.#run.row(node, key);
      if (found === DAMAGED) continue;
      const places = pending.flatMap(({ writes }, index) =>
        writes.some((write) => write.key === key) ? [index] : [],
      );
      const rowAt = (index: number): RowRead =>
        pending[index]!.writes.findLast((write) => write.key === key)!.row;
      const at = places.findLast((index) => isSame(found, rowAt(index)));
      const isBefore = at === undefined && isSame(found, completed.get(key));
      if (at === undefined && !isBefore) continue;
      // Equal rows: the first that can be meant asks for least, the last one allows most.
      const first = isSame(found, completed.get(key))
        ? -1
        : places.find((index) => isSame(found, rowAt(index)))!;
      from = Math.max(from, first);
      const next = places.find((index) => index > (at ?? -1));
      if (next !== undefined) to = Math.min(to, next - 1);
    }
    if (from <= to) return;
    this.#problems.push(
      `${node}: write ${from + 1} of ${pending.length} is there and write ${to + 2} is not`,
    );
  }

  #accountOf(node: NodeId): Account {
    let account = this.#accounts.get(node);
    if (account === undefined) {
      account = {
        completed: new Map(),
        visible: new Map(),
        doubtful: new Map(),
        unknown: new Set(),
        pending: [],
        isHarmed: false,
      };
      this.#accounts.set(node, account);
    }
    return account;
  }
}

function rowsOf(key: Key, pending: readonly Pending[]): readonly RowRead[] {
  return pending.flatMap(({ writes }) =>
    writes.filter((write) => write.key === key).map(({ row }) => row),
  );
}

function isSame(left: RowRead, right: RowRead): boolean {
  if (left === right) return true;
  if (left === undefined || right === undefined) return false;
  return left !== DAMAGED && right !== DAMAGED && bytesEqual(left, right);
}

function describe(row: RowRead): string {
  if (row === undefined) return "nothing";
  return row === DAMAGED ? "a damaged row" : `${row.length} other bytes`;
}

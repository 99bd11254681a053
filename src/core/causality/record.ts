/**
 * The one record that is stored for a key, and its one join (DESIGN: "one record, one type-blind
 * join").
 *
 * A record is a context, everything that this copy has seen, and the live dots among it. A dot that
 * is in the context and not among the live ones has been overwritten or deleted. That is the whole
 * rule of the join:
 *
 *     keep a dot that both have; keep a dot of one side unless the other side has seen it
 *
 *     A  seen {a1, b1}   live a1            join: seen {a1, b1, b2}, live b2
 *     B  seen {a1, b2}   live b2            (B saw a1 and no longer has it, so it is gone)
 *
 * The join knows no types: a dot's path and kind say which view reads it, its payload is opaque
 * here. It is commutative, associative and idempotent, so deltas may be lost, doubled and reordered
 * on the way. A delta is a record too: new dots and the context they cover. A record without live
 * dots is the tombstone.
 *
 * A hybrid of a dotted version vector set (Almeida et al., "Scalable and Accurate Causality
 * Tracking") and a causal delta store with dots at paths.
 */
import type { Actor } from "./actor.ts";
import { compareActors } from "./actor.ts";
import type { Context } from "./context.ts";
import { contains, descends, EMPTY_CONTEXT, joinContexts, withDot } from "./context.ts";

/**
 * What a dot means. Plain values are registers at the empty path; further kinds come with their
 * views.
 */
export const REGISTER = 1;
/** A register whose value is gone from a moment on that its payload names. */
export const EXPIRING = 2;

export interface Dot extends Actor {
  readonly n: number;
  readonly kind: number;
  /** A binary string: the field, member or element inside the key; empty for the key itself. */
  readonly path: string;
  readonly payload: Uint8Array;
}

export class Record {
  readonly context: Context;
  /** Sorted by actor, then number. Every one of them is in the context. */
  readonly dots: readonly Dot[];

  constructor(context: Context, dots: readonly Dot[]) {
    this.context = context;
    this.dots = dots;
  }

  get isTombstone(): boolean {
    return this.dots.length === 0;
  }

  /** Everything that both know; answers one of the two whenever that is the result. */
  join(other: Record): Record {
    if (this === other || other.context.length === 0) return this;
    if (this.context.length === 0) return other;
    if (replaces(other, this)) return other;
    const dots = joinDots(this, other);
    const context = joinContexts(this.context, other.context);
    if (context === this.context && sameDots(dots, this.dots)) return this;
    // Of two equal contexts the join keeps the first, and the other record may still say it all.
    const isOther = context === other.context || descends(other.context, context);
    return isOther && sameDots(dots, other.dots) ? other : new Record(context, dots);
  }

  /** True when joining `other` would change nothing. */
  absorbs(other: Record): boolean {
    return descends(this.context, other.context) && this.join(other) === this;
  }
}

export const EMPTY_RECORD: Record = new Record(EMPTY_CONTEXT, []);

/** A write: one new dot, and everything it replaces. */
export function putDelta(covered: Context, dot: Dot): Record {
  return new Record(withDot(covered, dot, dot.n), [dot]);
}

/** A deletion: everything it covers, and nothing new. */
export function deleteDelta(covered: Context): Record {
  return new Record(covered, []);
}

export function compareDots(left: Dot, right: Dot): number {
  const order = compareActors(left, right);
  return order !== 0 ? order : left.n - right.n;
}

/**
 * The usual write, found without joining anything: `later` has seen all that `earlier` has, and
 * each of its dots is new to it.
 */
function replaces(later: Record, earlier: Record): boolean {
  if (later.dots.length === 0 || !descends(later.context, earlier.context)) return false;
  for (const dot of later.dots) if (contains(earlier.context, dot, dot.n)) return false;
  return true;
}

function joinDots(left: Record, right: Record): readonly Dot[] {
  const joined: Dot[] = [];
  const a = left.dots;
  const b = right.dots;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const order = i >= a.length ? 1 : j >= b.length ? -1 : compareDots(a[i]!, b[j]!);
    if (order === 0) {
      joined.push(a[i]!);
      i++;
      j++;
    } else if (order < 0) {
      const dot = a[i++]!;
      if (!contains(right.context, dot, dot.n)) joined.push(dot);
    } else {
      const dot = b[j++]!;
      if (!contains(left.context, dot, dot.n)) joined.push(dot);
    }
  }
  return joined;
}

function sameDots(left: readonly Dot[], right: readonly Dot[]): boolean {
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) {
    if (compareDots(left[i]!, right[i]!) !== 0) return false;
  }
  return true;
}

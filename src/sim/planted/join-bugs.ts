/**
 * Planted bugs of the join: ways to merge two records that look right on an easy day.
 */
import { Record } from "../../core/causality/record.ts";
import { joinContexts } from "../../core/causality/context.ts";
import { compareTimes } from "../../core/causality/hybrid-time.ts";
import { registerTime } from "../../core/causality/register.ts";
import { Replica } from "../../core/replica/replica.ts";
import type { Undo } from "./patch.ts";
import { patchMethod } from "./patch.ts";

/** Of concurrent values only the newest is kept, by the wall clock. */
export function newestOnly(): Undo {
  return patchMethod(
    Record.prototype,
    "join",
    (original) =>
      function (this: Record, other) {
        const joined = original.call(this, other);
        if (joined.dots.length < 2) return joined;
        const [newest] = joined.dots.toSorted((left, right) =>
          compareTimes(registerTime(right.payload), registerTime(left.payload)),
        );
        return new Record(joined.context, [newest!]);
      },
  );
}

/** A tombstone is taken for "nothing here" and dropped when it meets a value. */
export function tombstoneDropped(): Undo {
  return patchMethod(
    Record.prototype,
    "join",
    (original) =>
      function (this: Record, other) {
        if (this.isTombstone && !other.isTombstone) return other;
        if (other.isTombstone && !this.isTombstone && !coversAll(other, this)) return this;
        return original.call(this, other);
      },
  );
}

function coversAll(tombstone: Record, record: Record): boolean {
  return joinContexts(tombstone.context, record.context) === tombstone.context;
}

/** What a read found elsewhere is noted and forgotten. */
export function repairIgnored(): Undo {
  return patchMethod(Replica.prototype, "repair", () => () => {});
}

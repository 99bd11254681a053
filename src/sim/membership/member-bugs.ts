/**
 * Bugs of membership to find: a checker that has never found anything has shown nothing.
 *
 * Each is planted from outside for the length of a test, as those of `sim/planted` are.
 */
import { Membership } from "../../core/membership/membership.ts";
import { Opinions } from "../../core/membership/opinions.ts";
import { OwnSelf } from "../../core/membership/own-self.ts";
import { Prober } from "../../core/membership/prober.ts";
import { Rejoin } from "../../core/membership/rejoin.ts";
import { Rumours } from "../../core/membership/rumours.ts";
import { Suspicion } from "../../core/membership/suspicion.ts";
import type { Undo } from "../planted/patch.ts";
import { patchGetter, patchMethod, undoAll } from "../planted/patch.ts";
import type { MemberRule } from "./member-checker.ts";

export interface MemberBug {
  readonly description: string;
  /** The rule that must see it; others may as well. */
  readonly rule: MemberRule;
  readonly apply: () => Undo;
}

export const MEMBER_BUGS: ReadonlyMap<string, MemberBug> = new Map<string, MemberBug>([
  [
    "nothing-refuted",
    {
      description: "a node that is accused says nothing",
      rule: "M1",
      apply: () => patchMethod(OwnSelf.prototype, "refute", () => () => {}),
    },
  ],
  [
    "foreign-dead-believed",
    {
      description: "somebody else's dead, in a sync, is dead here",
      rule: "M3",
      apply: () =>
        patchMethod(
          Opinions.prototype,
          "hear",
          (original) =>
            function (this: Opinions, now, rumour, by) {
              original.call(this, now, rumour, rumour.state === "dead" ? "gossip" : by);
            },
        ),
    },
  ],
  [
    "absence-ignored",
    {
      description: "a node that was away judges by the time in which it was",
      rule: "M2",
      apply: absenceIgnored,
    },
  ],
  [
    "suspicion-never-shrinks",
    {
      description: "whoever confirms a suspicion does not shorten it",
      rule: "M6",
      apply: () => patchGetter(Suspicion.prototype, "confirmations", () => 0),
    },
  ],
  [
    "dead-given-up",
    {
      description: "nobody looks for the dead",
      rule: "M1",
      apply: () => patchMethod(Rejoin.prototype, "contactDead", () => () => {}),
    },
  ],
  [
    "seeds-given-up",
    {
      description: "nobody asks at a seed a second time",
      rule: "M1",
      apply: seedsGivenUp,
    },
  ],
  [
    "address-never-followed",
    {
      description: "where a member is found first, it is looked for ever after",
      rule: "M1",
      apply: () =>
        patchMethod(
          Membership.prototype,
          "onLocated",
          (original) =>
            function (this: Membership, id, generation, address) {
              if (this.view(id)?.address === "") original.call(this, id, generation, address);
            },
        ),
    },
  ],
  [
    "rumours-for-ever",
    {
      description: "a rumour is told again and again",
      rule: "M5",
      apply: () =>
        patchMethod(
          Rumours.prototype,
          "take",
          (original) =>
            function (this: Rumours, bytesMax) {
              return original.call(this, bytesMax, Number.POSITIVE_INFINITY);
            },
        ),
    },
  ],
  [
    "packets-overfull",
    {
      description: "a packet takes every rumour there is",
      rule: "M4",
      apply: () =>
        patchMethod(
          Rumours.prototype,
          "take",
          (original) =>
            function (this: Rumours, _bytesMax, limit) {
              return original.call(this, Number.POSITIVE_INFINITY, limit);
            },
        ),
    },
  ],
]);

function seedsGivenUp(): Undo {
  const asked = new WeakSet<Rejoin>();
  return patchMethod(
    Rejoin.prototype,
    "contactSeeds",
    (original) =>
      function (this: Rejoin, now) {
        if (asked.has(this)) return;
        asked.add(this);
        original.call(this, now);
      },
  );
}

function absenceIgnored(): Undo {
  return undoAll([
    patchMethod(Opinions.prototype, "restartSuspicions", () => () => {}),
    patchMethod(Prober.prototype, "discard", () => () => {}),
    patchMethod(Prober.prototype, "isLate", () => () => false),
    patchMethod(Suspicion.prototype, "isLate", () => () => false),
  ]);
}

/**
 * One node after another is cut off from all the others and falls behind: the trouble that planted
 * bugs of different kinds need to show often.
 */
import type { NemesisOptions } from "../nemesis.ts";

export const ISOLATION: NonNullable<NemesisOptions["partitions"]> = {
  everyMs: 1_000,
  lastsMsMax: 3_000,
  kinds: ["isolate"],
  oneWayRate: 0,
};

/**
 * Leaves whose sums are not the same here and there.
 *
 * A difference that is still the same after a while, on both sides, is not a write on its way: one
 * of the two would have changed when it arrived.
 */
import { LEAVES_PER_BRANCH } from "../repair-messages.ts";

export interface LeafDifference {
  readonly leaf: number;
  /** High and low half. */
  readonly ours: readonly [number, number];
  readonly theirs: readonly [number, number];
}

/** The places at which two lists of sums, each in two halves, differ. */
export function differingPlaces(ours: Uint32Array, theirs: Uint32Array): readonly number[] {
  const places: number[] = [];
  for (let place = 0; place * 2 < ours.length; place++) {
    const isLow = ours[place * 2 + 1] === theirs[place * 2 + 1];
    if (!isLow || ours[place * 2] !== theirs[place * 2]) places.push(place);
  }
  return places;
}

/** Of the leaves of these branches. */
export function leafDifferences(
  branches: readonly number[],
  ours: Uint32Array,
  theirs: Uint32Array,
): readonly LeafDifference[] {
  return differingPlaces(ours, theirs).map((place) => {
    const branch = branches[Math.floor(place / LEAVES_PER_BRANCH)]!;
    const leaf = branch * LEAVES_PER_BRANCH + (place % LEAVES_PER_BRANCH);
    return { leaf, ours: sumAt(ours, place), theirs: sumAt(theirs, place) };
  });
}

/** The leaves that differed before and differ now, by the same pair of sums. */
export function lastingLeaves(
  before: readonly LeafDifference[],
  now: readonly LeafDifference[],
): readonly number[] {
  const again = new Map(now.map((difference) => [difference.leaf, difference]));
  const lasting = before.filter((difference) => {
    const { leaf, ours, theirs } = difference;
    const after = again.get(leaf);
    return after !== undefined && isSame(ours, after.ours) && isSame(theirs, after.theirs);
  });
  return lasting.map(({ leaf }) => leaf);
}

/** The branches that these leaves are on, ascending. */
export function branchesOf(differences: readonly LeafDifference[]): readonly number[] {
  const branches = new Set(differences.map(({ leaf }) => Math.floor(leaf / LEAVES_PER_BRANCH)));
  return [...branches].sort((left, right) => left - right);
}

function sumAt(sums: Uint32Array, place: number): readonly [number, number] {
  return [sums[place * 2]!, sums[place * 2 + 1]!];
}

function isSame(left: readonly [number, number], right: readonly [number, number]): boolean {
  return left[0] === right[0] && left[1] === right[1];
}

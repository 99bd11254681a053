/**
 * Many calls through a few lanes: so many are open at a time, and the next starts when one has
 * ended.
 *
 * A list of a million keys must not become a million open requests: the nodes would refuse most of
 * them, and rightly.
 */

/** Open at a time for one list. A connection carries many more, and other callers want some too. */
export const LANES = 64;

/**
 * The results in the order of the items. The first rejection is the answer, and no further item is
 * started.
 */
export async function throughLanes<Item, Result>(
  items: readonly Item[],
  run: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      try {
        results[index] = await run(items[index]!, index);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, items.length) }, lane));
  return results;
}

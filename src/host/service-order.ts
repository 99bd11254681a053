/**
 * The order in which the targets of an SRV record are tried (RFC 2782): those of the smallest
 * priority first; among equals each next one is drawn, by weight.
 *
 *     weights 0 1 3, drawn 0.6 of 4      sums 0 1 4      the first sum ≥ 2.4 is the third
 *     weights 0 1,   drawn 0.0 of 1      sums 0 1        the first: weight 0 has a small chance
 */
export interface ServiceTarget {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** `draw` answers numbers in [0, 1). */
export function inServiceOrder(
  targets: readonly ServiceTarget[],
  draw: () => number,
): readonly ServiceTarget[] {
  const rest = targets.toSorted(compareTargets);
  const ordered: ServiceTarget[] = [];
  while (rest.length > 0) {
    const { priority } = rest[0]!;
    const end = rest.findIndex((target) => target.priority !== priority);
    const equals = end < 0 ? rest : rest.slice(0, end);
    const at = drawnIndex(equals, draw);
    ordered.push(...rest.splice(at, 1));
  }
  return ordered;
}

function drawnIndex(equals: readonly ServiceTarget[], draw: () => number): number {
  const total = equals.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = draw() * total;
  let sum = 0;
  for (const [index, { weight }] of equals.entries()) {
    sum += weight;
    if (sum >= drawn) return index;
  }
  return equals.length - 1;
}

/** The order in which an answer lists its records is nobody's word: only a draw may count. */
function compareTargets(one: ServiceTarget, other: ServiceTarget): number {
  if (one.priority !== other.priority) return one.priority - other.priority;
  if (one.weight !== other.weight) return one.weight - other.weight;
  if (one.name !== other.name) return one.name < other.name ? -1 : 1;
  return one.port - other.port;
}

/** A place in the log, which has one order over all segments. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
}

export function isBefore(left: Place, right: Place): boolean {
  return left.segment !== right.segment ? left.segment < right.segment : left.offset < right.offset;
}

/**
 * The disk of a node has failed: nothing can be said about what is on it, so the node has stopped
 * (law 9). The text is for its operator.
 */
export class DiskFailure extends Error {
  override readonly name = "DiskFailure";
}

/**
 * No seed led to a cluster: what was tried, and how each try ended.
 */
export interface ConnectAttempt {
  readonly address: string;
  readonly reason: string;
}

export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /**
   * `UNAVAILABLE`, `INVALID_ADDRESS`, or the name by which a node refused us, as `WRONG_CLUSTER`.
   */
  readonly code: string;
  readonly attempts: readonly ConnectAttempt[];

  constructor(code: string, attempts: readonly ConnectAttempt[]) {
    const tries = attempts.map(({ address, reason }) => `${address}: ${reason}`);
    super(`no node could be reached (${tries.join("; ")})`);
    this.code = code;
    this.attempts = attempts;
  }
}

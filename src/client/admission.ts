/**
 * What a client may have open at a time, in requests and in bytes, and what it refuses beyond that
 * (law 7). One request is always let in, however large: a bound that nothing can pass would be no
 * bound but a wall.
 */
import type { Outcome } from "../core/outcomes.ts";
import { failed } from "../core/outcomes.ts";
import type { ClientRequest } from "../core/requests.ts";
import type { RemoteOptions } from "./remote-options.ts";

/** About as long as a full client takes to get some answers. */
export const OVERLOADED_RETRY_MS = 50;

export class Admission {
  readonly #limits: RemoteOptions;
  #count = 0;
  #bytes = 0;

  constructor(limits: RemoteOptions) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Why this one cannot be let in now, or undefined. */
  refusal(request: ClientRequest): Outcome | undefined {
    const { inFlightMax, inFlightBytesMax, valueBytesMax } = this.#limits;
    const { length } = request.value;
    if (length > valueBytesMax) {
      const detail = `a value has at most ${valueBytesMax} bytes, got ${length}`;
      return failed("VALUE_TOO_LARGE", detail, { needed: length, got: valueBytesMax });
    }
    const retryAfterMs = OVERLOADED_RETRY_MS;
    if (this.#count >= inFlightMax) {
      const numbers = { needed: this.#count + 1, got: inFlightMax, retryAfterMs };
      return failed("OVERLOADED", `${inFlightMax} requests are open in this client`, numbers);
    }
    const bytes = this.#bytes + sizeOf(request);
    if (bytes <= inFlightBytesMax || this.#count === 0) return undefined;
    const numbers = { needed: bytes, got: inFlightBytesMax, retryAfterMs };
    return failed("OVERLOADED", "the open requests of this client are too large", numbers);
  }

  add(request: ClientRequest): void {
    this.#count++;
    this.#bytes += sizeOf(request);
  }

  remove(request: ClientRequest): void {
    this.#count--;
    this.#bytes -= sizeOf(request);
  }
}

function sizeOf({ key, value, context }: ClientRequest): number {
  return key.length + value.length + context.length;
}

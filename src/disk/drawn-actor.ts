/** Who mints dots from now on: drawn, so that nobody ever was the same one. */
import { randomBytes } from "node:crypto";
import type { ActorId } from "../core/causality/actor.ts";

export function drawnActor(): ActorId {
  const bytes = randomBytes(8);
  return { high: bytes.readInt32BE(0), low: bytes.readInt32BE(4) };
}

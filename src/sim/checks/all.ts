/**
 * Every checker of a run, by the order of their names. What is not here is not checked.
 *
 * S19, that the same seed gives the same trace, takes two runs and so stands apart in
 * `determinism.ts`.
 */
import type { CheckerFactory } from "../checker.ts";
import { ackHonesty } from "./ack-honesty.ts";
import { bounds } from "./bounds.ts";
import { comebacks } from "./comebacks.ts";
import { convergence } from "./convergence.ts";
import { dotUniqueness } from "./dot-uniqueness.ts";
import { expiry } from "./expiry.ts";
import { extras } from "./extras.ts";
import { growth } from "./growth.ts";
import { handedOff } from "./handed-off.ts";
import { invention } from "./invention.ts";
import { leaks } from "./leaks.ts";
import { lostWrites } from "./lost-writes.ts";
import { monotone } from "./monotone.ts";
import { placement } from "./placement.ts";
import { oneBoot } from "./one-boot.ts";
import { regularReads } from "./regular-reads.ts";
import { resurrection } from "./resurrection.ts";
import { sessions } from "./sessions.ts";
import { storage } from "./storage.ts";

export const ALL_CHECKERS: readonly CheckerFactory[] = [
  lostWrites,
  invention,
  resurrection,
  dotUniqueness,
  convergence,
  ackHonesty,
  handedOff,
  sessions,
  regularReads,
  placement,
  oneBoot,
  storage,
  monotone,
  comebacks,
  expiry,
  growth,
  bounds,
  leaks,
  extras,
];

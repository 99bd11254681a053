/**
 * The faults a run can meet, by name. Each injection is counted, and a sweep in which one of them
 * never happened is red: a fault that does not occur proves nothing.
 */
export const FAULT_KINDS = [
  "message-lost",
  "message-doubled",
  "message-late",
  "message-delayed",
  "partition-split",
  "partition-isolate",
  "partition-bridge",
  "partition-one-way",
  "clog",
  "crash",
  "crash-silent",
  "stop",
  "restart-kept",
  "restart-clean",
  "restart-lost",
  "restart-new-identity",
  "pause",
  "slow",
  "row-damaged",
  "disk-stalled",
  "disk-slow",
  "disk-full",
  "row-refused",
  "wall-jump",
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

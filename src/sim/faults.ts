/**
 * The faults a run can meet, by name. Each injection is counted, and a sweep in which one of them
 * never happened is red: a fault that does not occur proves nothing.
 */
import type { DiskFault } from "./disk/disk-faults.ts";
import { DISK_FAULTS } from "./disk/disk-faults.ts";

const CLUSTER_FAULTS = [
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
  // Of nodes whose storage is a log on a disk.
  "machine-died",
  "restart-restored",
  "restart-copied",
  "fail-stop",
  "boot-failed",
  "outlived",
] as const;

export type FaultKind = (typeof CLUSTER_FAULTS)[number] | DiskFault;

export const FAULT_KINDS: readonly FaultKind[] = [
  ...new Set([...CLUSTER_FAULTS, ...DISK_FAULTS.filter((fault) => fault !== "disk-slowed")]),
];

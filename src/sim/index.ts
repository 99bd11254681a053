/**
 * `gramme/sim`: whole clusters in one thread, under virtual time.
 *
 *     const sim = new Simulation({ seed: 7 });     one situation, told by its verbs
 *     runSeed(7)                                   a random run with faults, checked
 *     for (const result of sweep(1, 200)) …        many of them
 *     for (const step of shrink(7)) …              a failing one made small
 */
export { Simulation } from "./simulation.ts";
export type { Bug } from "./simulation.ts";
export type { SimulationOptions, SimulationSettings } from "./settings.ts";
export type { Client } from "./client.ts";
export type { ClientOperation } from "./client-operation.ts";
export type { OperationOptions } from "./clients.ts";
export type { NodeHandle } from "./node-handle.ts";
export type { Direction, Network, NetworkOptions, Partition } from "./network.ts";
export type { ConnectionOptions } from "./connections.ts";
export type { DiskOptions } from "./storage.ts";
export type { HistoryEntry, Status, Try } from "./history.ts";
export type { Observer, RestartKind } from "./observer.ts";
export type { Checker, CheckerFactory, Phase, RunView } from "./checker.ts";
export { FAULT_KINDS } from "./faults.ts";
export type { FaultKind } from "./faults.ts";
export { ALL_CHECKERS } from "./checks/all.ts";
export { describeRun, drawRun } from "./swarm.ts";
export type { RunOptions } from "./swarm.ts";
export { runSeed } from "./run.ts";
export type { Finding, RunExtras, RunResult, Verdict } from "./run.ts";
export { REQUIRED_FACTS, SEEDS_ENOUGH, sweep, SweepTotals } from "./sweep.ts";
export type { SweepSummary } from "./sweep.ts";
export { shrink } from "./shrink.ts";
export type { ShrinkOptions, ShrinkStep } from "./shrink.ts";
export { transcript } from "./transcript.ts";

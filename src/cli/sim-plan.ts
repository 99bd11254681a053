/**
 * What a simulation is asked to do with a seed: the options that the seed draws, changed where the
 * command line says so, with a bug planted in it if one is named. Plain data, so that it can be
 * handed to a worker.
 */
import { differencesBetween } from "../sim/checks/determinism.ts";
import { PLANTED_BUGS } from "../sim/planted/index.ts";
import { runSeed, type Finding, type RunExtras, type RunResult } from "../sim/run.ts";
import { drawFullRun } from "../sim/full-run.ts";
import { drawRun, type RunOptions } from "../sim/swarm.ts";

export interface SimPlan {
  /** Runs with all that a cluster has to stand: `full-run.ts`. */
  readonly full: boolean;
  readonly nodes: number | undefined;
  readonly virtualSeconds: number | undefined;
  readonly planted: string | undefined;
  /** Every seed runs twice, and both runs must have the same trace. */
  readonly twice: boolean;
}

export function optionsOf(
  seed: number,
  { full, nodes, virtualSeconds, planted }: SimPlan,
): RunOptions {
  const drawn = full ? drawFullRun(seed) : drawRun(seed);
  const trouble = planted === undefined ? undefined : PLANTED_BUGS.get(planted)?.trouble;
  let options = trouble === undefined ? drawn : trouble(drawn);
  if (nodes !== undefined) options = withNodes(options, nodes);
  if (virtualSeconds === undefined) return options;
  return { ...options, safetyMs: Math.round(virtualSeconds * 1_000) };
}

export function judgedRun(seed: number, plan: SimPlan, extras: RunExtras = {}): RunResult {
  const options = optionsOf(seed, plan);
  const result = runSeed(seed, options, extras);
  if (!plan.twice) return result;
  const second = runSeed(seed, options);
  const differences = differencesBetween(result, second).map((detail): Finding => ({
    verdict: "safety",
    checker: "S19",
    detail,
  }));
  if (differences.length === 0) return result;
  const verdict = result.verdict === "crash" ? "crash" : "safety";
  return { ...result, verdict, findings: [...result.findings, ...differences] };
}

/** Plants the bug that the plan names, and answers how to take it out again. */
export function plant({ planted }: SimPlan): () => void {
  if (planted === undefined) return () => {};
  return PLANTED_BUGS.get(planted)!.apply();
}

/**
 * With fewer nodes than replicas were drawn, nobody may lose rows: the draw counted on more owners.
 */
function withNodes(options: RunOptions, nodes: number): RunOptions {
  const { simulation, nemesis } = options;
  const { replicas = 3 } = simulation;
  const changed = { ...options, simulation: { ...simulation, nodes } };
  if (nodes >= replicas) {
    const forgetful = Math.min(nemesis.forgetful, nodes - 1);
    return { ...changed, nemesis: { ...nemesis, forgetful } };
  }
  return {
    ...options,
    simulation: { ...simulation, nodes, replicas: nodes },
    nemesis: { ...nemesis, forgetful: 0, damage: undefined },
  };
}

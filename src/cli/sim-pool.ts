/**
 * Seeds spread over threads: each gets the next seed when it has done one, so that a long run holds
 * up nobody else. Results arrive in no particular order.
 */
import { Worker } from "node:worker_threads";
import type { RunResult } from "../sim/run.ts";
import type { SimPlan } from "./sim-plan.ts";

export interface Seeds {
  readonly from: number;
  readonly to: number;
}

export async function runSeeds(
  { from, to }: Seeds,
  work: { readonly plan: SimPlan; readonly jobs: number },
  onResult: (result: RunResult) => void,
): Promise<void> {
  let next = from;
  const worker = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const thread = new Worker(new URL("./sim-worker.js", import.meta.url), {
        workerData: work.plan,
      });
      const giveNext = (): void => {
        if (next <= to) thread.postMessage(next++);
        else void thread.terminate().then(() => resolve(), reject);
      };
      thread.on("message", (result: RunResult) => {
        onResult(result);
        giveNext();
      });
      thread.once("error", reject);
      giveNext();
    });
  const count = Math.min(work.jobs, to - from + 1);
  await Promise.all(Array.from({ length: count }, worker));
}

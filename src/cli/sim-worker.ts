/**
 * A thread that simulates: seeds come in, results go out, one after the other.
 */
import { parentPort, workerData } from "node:worker_threads";
import { judgedRun, plant, type SimPlan } from "./sim-plan.ts";

const plan = workerData as SimPlan;
plant(plan);
parentPort!.on("message", (seed: number) => parentPort!.postMessage(judgedRun(seed, plan)));

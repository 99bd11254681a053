/**
 * How fast the simulator is: five nodes, 200 operations per virtual second, no faults and no
 * checkers.
 *
 *     node dist/bench/simulation.js [virtual seconds, default 300]
 *
 * Targets: at least 500,000 events per second on one core, and 100 virtual seconds per real second.
 */
import { Random } from "#src/core/base/random.ts";
import { Simulation } from "#src/sim/simulation.ts";
import { Workload } from "#src/sim/workload.ts";

const CLIENTS = 20;
const OPERATIONS_PER_SECOND = 200;
const WARM_UP_MS = 20_000;
const ROUNDS = 5;

const virtualMs = Number(process.argv[2] ?? 300) * 1_000;
const sim = new Simulation({ seed: 1, nodes: 5 });
const workload = new Workload(sim, new Random(1), {
  clients: CLIENTS,
  keys: 1_000,
  modes: ["overwrite"],
  thinkMsMean: (CLIENTS * 1_000) / OPERATIONS_PER_SECOND,
  operationsMax: Number.POSITIVE_INFINITY,
  gets: 1,
  puts: 1,
  deletes: 0,
  contextRate: 0.5,
  oldContextRate: 0,
  foreignContextRate: 0,
  r: ["default"],
  w: ["default"],
  ownerRate: 0.5,
  timeoutMs: [0],
  retries: [0],
  updateRate: 0,
  sessionRate: 0,
  expiryRate: 0,
  ttlMsMax: 1,
  skipped: [],
});
workload.start();
sim.runFor(WARM_UP_MS);

for (let round = 1; round <= ROUNDS; round++) {
  const events = sim.events;
  const operations = sim.history.length;
  const cpu = process.cpuUsage();
  const begin = performance.now();
  sim.runFor(virtualMs / ROUNDS);
  const seconds = (performance.now() - begin) / 1_000;
  const cpuSeconds = process.cpuUsage(cpu).user / 1_000_000;
  report(
    round,
    { seconds, cpuSeconds, events: sim.events - events },
    sim.history.length - operations,
  );
}

/** On a busy machine the processor's time says more than the wall's. */
function report(
  round: number,
  spent: { readonly seconds: number; readonly cpuSeconds: number; readonly events: number },
  operations: number,
): void {
  const { seconds, cpuSeconds, events } = spent;
  const virtualSeconds = virtualMs / ROUNDS / 1_000;
  const pace = (of: number): string =>
    `${Math.round(events / of / 1_000)}k events and ${Math.round(virtualSeconds / of)} virtual s`;
  const perOperation = `${(events / operations).toFixed(1)} events`;
  const cost = `${((cpuSeconds * 1e6) / operations).toFixed(1)} µs`;
  console.log(
    `round ${round}: ${pace(seconds)} per second, ${pace(cpuSeconds)} per second of processor ` +
      `time; ${perOperation} and ${cost} per operation`,
  );
}

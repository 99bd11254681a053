/**
 * `gramme hints deliver`: the nodes begin at once to bring home what they keep, and we watch.
 *
 * They deliver by themselves; this only spares their patience. So to stop watching stops nothing.
 * There is no more to watch when nothing is left but for nodes that cannot be reached, or when
 * those that can be reached take nothing.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { RemoteClient } from "../client/remote-client.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { EXIT } from "./exit-codes.ts";
import { HintsView, knownTarget, sumOf } from "./hints-view.ts";
import { print, printJson, remark, showDuration } from "./output.ts";
import { Progress } from "./progress.ts";
import { toldToStop } from "./stop-signal.ts";

export interface DeliverFlags {
  readonly to?: string;
  readonly json?: true;
}

const LOOK_EVERY_MS = 250;
/** Twice as long as a delivery waits for an answer, and rests without one. */
const STALLED_MS = 30_000;

export async function deliverHints(
  client: RemoteClient,
  flags: DeliverFlags,
  timeoutMs: number,
): Promise<void> {
  const startedAt = performance.now();
  const isStopped = stopSignal();
  const target = await targetOf(client, flags, timeoutMs);
  const first = await HintsView.ask(client, { kind: "deliver", target }, timeoutMs);
  const total = sumOf(first.deliverable(target)).keys;
  const last = await watch(client, first, { target, timeoutMs, isStopped });
  const left = sumOf(last.of(target)).keys;
  const underWay = sumOf(last.deliverable(target)).keys;
  const delivered = Math.max(0, total - underWay);
  const elapsedMs = Math.round(performance.now() - startedAt);
  if (left > 0 && !isStopped()) process.exitCode = EXIT.unavailable;
  if (flags.json) printJson({ ...last.document, delivered, left, elapsedMs });
  else print(`delivered ${delivered} hints in ${showDuration(elapsedMs)}, ${left} are left`);
  last.remarkUnknown(target);
  if (underWay > 0) {
    const refuse = isStopped() ? "" : `nothing was taken for ${showDuration(STALLED_MS)}: `;
    return remark(`${refuse}the nodes go on by themselves`);
  }
  for (const [node, keys] of waitingFor(last, target)) {
    remark(`${node} cannot be reached: ${keys} hints wait for it, and it is told when it is back`);
  }
}

interface Watch {
  readonly target: NodeId | undefined;
  readonly timeoutMs: number;
  readonly isStopped: () => boolean;
}

async function watch(client: RemoteClient, first: HintsView, watched: Watch): Promise<HintsView> {
  const { target, timeoutMs, isStopped } = watched;
  const total = sumOf(first.deliverable(target)).keys;
  const progress = new Progress(total, "hints");
  let view = first;
  let done = 0;
  let left = total;
  let movedAt = performance.now();
  while (!isStopped() && !(view.isCounted && view.deliverable(target).length === 0)) {
    await sleep(LOOK_EVERY_MS);
    view = await HintsView.ask(client, { kind: "list" }, timeoutMs);
    const leftNow = sumOf(view.deliverable(target)).keys;
    if (leftNow !== left) movedAt = performance.now();
    left = leftNow;
    for (; done < total - left; done++) progress.step(rateOf(view, target));
    if (performance.now() - movedAt > STALLED_MS) break;
  }
  progress.end();
  return view;
}

function rateOf(view: HintsView, target: NodeId | undefined): string {
  const rate = view.of(target).reduce((sum, { rowsPerSecond }) => sum + rowsPerSecond, 0);
  const isResting = view.deliverable(target).some(({ state }) => state === "resting");
  return `${rate} a second${isResting ? ", and some rest after a refusal" : ""}`;
}

async function targetOf(
  client: RemoteClient,
  { to }: DeliverFlags,
  timeoutMs: number,
): Promise<NodeId | undefined> {
  if (to === undefined) return undefined;
  return knownTarget(await HintsView.ask(client, { kind: "list" }, timeoutMs), to);
}

function waitingFor(view: HintsView, target: NodeId | undefined): ReadonlyMap<NodeId, number> {
  const waiting = new Map<NodeId, number>();
  for (const each of view.of(target)) {
    waiting.set(each.target, (waiting.get(each.target) ?? 0) + each.keys);
  }
  return waiting;
}

/** Looked at between two questions, so that an answer that was asked for is still taken. */
function stopSignal(): () => boolean {
  let isStopped = false;
  void toldToStop().then(() => (isStopped = true));
  return () => isStopped;
}

/**
 * `gramme hints drop`: what is kept for a node that will not come back is forgotten.
 *
 * It tells first what would be lost. A hint may be the only copy of a write besides those that its
 * other owners hold, and where a stand-in counted towards the quorum, one of those is it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { RemoteClient } from "../client/remote-client.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import { HintsView, knownTarget, sumOf } from "./hints-view.ts";
import { print, printJson, remark, showBytes } from "./output.ts";

export interface DropFlags {
  readonly to?: string;
  readonly yes?: true;
  readonly json?: true;
}

const LOOK_EVERY_MS = 100;

export async function dropHints(
  client: RemoteClient,
  flags: DropFlags,
  timeoutMs: number,
): Promise<void> {
  if (flags.to === undefined) {
    throw new CommandError(EXIT.usage, "drop: for which node?", "name it with --to NODE");
  }
  const before = await HintsView.ask(client, { kind: "list" }, timeoutMs);
  const target = knownTarget(before, flags.to);
  if (flags.yes !== true) return refuse(before, target, flags.json === true);
  const first = await HintsView.ask(client, { kind: "drop", target }, timeoutMs);
  const last = await watch(client, first, target, timeoutMs);
  report(first, last, target, flags.json === true);
}

function refuse(view: HintsView, target: NodeId, isJson: boolean): void {
  const { keys, bytes } = sumOf(view.of(target));
  if (!isJson) {
    for (const keeping of view.of(target)) {
      const what = `${keeping.keys} keys, ${showBytes(keeping.bytes)}`;
      print(`${keeping.keeper} keeps for ${target}: ${what}`);
    }
    view.remarkUnknown(target);
  }
  const what = `${keys} keys (${showBytes(bytes)}) that are kept for ${target} would be forgotten`;
  throw new CommandError(
    EXIT.usage,
    `${what}: nothing was changed, since it was not confirmed`,
    "what no other owner holds is lost with them; add --yes to drop them",
  );
}

async function watch(
  client: RemoteClient,
  first: HintsView,
  target: NodeId,
  timeoutMs: number,
): Promise<HintsView> {
  let view = first;
  while (view.of(target).some(({ state }) => state === "dropping")) {
    await sleep(LOOK_EVERY_MS);
    view = await HintsView.ask(client, { kind: "list" }, timeoutMs);
  }
  return view;
}

function report(first: HintsView, last: HintsView, target: NodeId, isJson: boolean): void {
  const { keys, bytes } = sumOf(first.of(target));
  const left = sumOf(last.of(target)).keys;
  if (first.unknown(target).length > 0) process.exitCode = EXIT.unavailable;
  if (isJson) printJson({ target, keys, bytes, left, ...last.document });
  else print(`dropped ${keys} keys, ${showBytes(bytes)}, that were kept for ${target}`);
  first.remarkUnknown(target);
  if (left > 0) remark(`${left} are kept for it: from later writes, or on a disk that is full`);
}

/**
 * Planted bugs of the cluster: copies where they do not belong, and runs that do not repeat.
 */
import { Peers } from "../../core/membership/peers.ts";
import { Layout } from "../../core/ring/layout.ts";
import { nodeId } from "../../core/ring/node-id.ts";
import { SimulatedHost } from "../simulated-host.ts";
import type { Undo } from "./patch.ts";
import { patchMethod, undoAll } from "./patch.ts";

/** Every fourth write goes to one node more, and that node does not ask whether it owns the key. */
export function strayCopies(): Undo {
  const stray = nodeId("n1");
  const sends = patchMethod(
    SimulatedHost.prototype,
    "send",
    (original) =>
      function (this: SimulatedHost, to, message) {
        original.call(this, to, message);
        if (message.kind !== "write" || message.id % 4 !== 0 || this.id === stray) return;
        if (to !== stray) original.call(this, stray, message);
      },
  );
  const accepts = patchMethod(Layout.prototype, "isOwner", () => () => true);
  return undoAll([sends, accepts]);
}

/** Something of one run lives on in the next. */
export function memoryBetweenRuns(): Undo {
  let calls = 0;
  return patchMethod(
    Peers.prototype,
    "cost",
    (original) =>
      function (this: Peers, id) {
        calls++;
        return original.call(this, id) * (calls % 3 === 0 ? 3 : 1);
      },
  );
}

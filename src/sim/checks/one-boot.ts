/**
 * S14: nobody is two at once, and nobody goes back to an older ring.
 *
 *     boots      a node that has met a boot of a peer talks to no older one of it: not to a clone,
 *                not to a copy that was put back, not to a process that is late to die
 *     layouts    a node's layout only gets younger, what it tells others of it included; nodes with
 *                the same epoch have the same layout
 *
 * Where it holds: what a node believes of a peer, from its start to its end, since it learns that
 * anew. Layouts do not change in a run so far; that a node tells of none that is older is checked
 * all the same.
 */
import type { Fact } from "../../core/facts.ts";
import type { Message } from "../../core/messages.ts";
import type { NodeId } from "../../core/ring/node-id.ts";
import type { Checker, RunView } from "../checker.ts";
import type { Observer } from "../observer.ts";

export function oneBoot(_run: RunView): Checker {
  return new OneBoot();
}

class OneBoot implements Checker {
  readonly id = "S14";
  readonly rule = "nobody believes two boots of one node, and layouts only get younger";
  readonly observer: Observer;
  /** By who believes it, then by peer: the youngest boot. */
  readonly #believed: Map<NodeId, Map<NodeId, number>> = new Map();
  /** By who was told, then by who told it: the last layout. */
  readonly #told: Map<NodeId, Map<NodeId, number>> = new Map();
  /** By who has adopted one. */
  readonly #adopted: Map<NodeId, number> = new Map();
  /** Of each epoch that was seen, and where. */
  readonly #layouts: Map<number, { readonly node: NodeId; readonly fingerprint: string }> =
    new Map();
  readonly #problems: string[] = [];
  #checked = 0;

  constructor() {
    this.observer = {
      onFact: (node, fact) => this.#onFact(node, fact),
      onReceive: (from, to, message) => this.#onReceive(from, to, message),
      onCrash: (node) => this.#onEnd(node),
      onRestart: (node) => this.#onEnd(node),
    };
  }

  get checked(): number {
    return this.#checked;
  }

  finish(): readonly string[] {
    return this.#problems;
  }

  #onFact(node: NodeId, fact: Fact): void {
    if (fact.kind === "layout-adopted") {
      const before = this.#adopted.get(node) ?? 0;
      this.#adopted.set(node, fact.epoch);
      if (fact.epoch > before) return;
      this.#problems.push(`${node} went from the layout of epoch ${before} to ${fact.epoch}`);
    }
    if (fact.kind !== "peer-linked") return;
    const { peer, generation } = fact;
    const boots = innerOf(this.#believed, node);
    const known = boots.get(peer) ?? 0;
    this.#checked++;
    boots.set(peer, Math.max(known, generation));
    if (generation >= known) return;
    this.#problems.push(`${node} talks to boot ${generation} of ${peer}, and has met ${known}`);
  }

  #onReceive(from: NodeId, to: NodeId, message: Message): void {
    if (message.kind === "hello") {
      const told = innerOf(this.#told, to);
      const before = told.get(from) ?? 0;
      told.set(from, message.layoutEpoch);
      if (message.layoutEpoch >= before) return;
      this.#problems.push(`${from} told ${to} of layout ${before}, then of ${message.layoutEpoch}`);
    }
    if (message.kind !== "layout-told") return;
    const { epoch } = message.layout;
    const fingerprint = message.layout.fingerprint();
    const known = this.#layouts.get(epoch);
    if (known === undefined) this.#layouts.set(epoch, { node: from, fingerprint });
    else if (known.fingerprint !== fingerprint) {
      this.#problems.push(`${from} and ${known.node} have different layouts of epoch ${epoch}`);
    }
  }

  /** Who starts anew has met nobody, and may have been set back with its disk. */
  #onEnd(node: NodeId): void {
    this.#believed.delete(node);
    this.#told.delete(node);
    this.#adopted.delete(node);
    for (const told of this.#told.values()) told.delete(node);
  }
}

function innerOf<Inner>(outer: Map<NodeId, Map<NodeId, Inner>>, node: NodeId): Map<NodeId, Inner> {
  let inner = outer.get(node);
  if (inner === undefined) {
    inner = new Map();
    outer.set(node, inner);
  }
  return inner;
}

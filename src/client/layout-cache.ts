/**
 * What a client believes about who owns what, and when it should ask again.
 *
 * A layout is a value with an epoch, so a cache of it is never half right: it is the newest epoch
 * that a node has told us, or it is behind. That it is behind shows in every greeting and every
 * receipt, and costs at most a forwarded request.
 */
import type { Key } from "../core/ring/key.ts";
import type { Layout, LayoutNode } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";

const NO_OWNERS: readonly NodeId[] = [];

export class LayoutCache {
  #layout: Layout | undefined = undefined;

  get layout(): Layout | undefined {
    return this.#layout;
  }

  /**
   * True when it is news. A node that is behind tells old layouts, and a misled seed those of
   * another cluster. Of the same layout only where nodes are may be news.
   */
  adopt(layout: Layout): boolean {
    const current = this.#layout;
    if (current !== undefined) {
      if (layout.clusterId !== current.clusterId || layout.epoch < current.epoch) return false;
      if (layout.epoch === current.epoch) return this.#place(current, layout);
    }
    this.#layout = layout;
    return true;
  }

  isBehind(epoch: number): boolean {
    return this.#layout === undefined || epoch > this.#layout.epoch;
  }

  /** In order of preference; none while no layout is known. */
  ownersOf(key: Key): readonly NodeId[] {
    return this.#layout === undefined ? NO_OWNERS : this.#layout.ownersOf(key);
  }

  /** Empty when nobody has said it. */
  addressOf(node: NodeId): string | undefined {
    return this.#layout?.node(node)?.address;
  }

  /** A node that does not know where another one is does not take it from those who do. */
  #place(current: Layout, told: Layout): boolean {
    if (current.fingerprint() !== told.fingerprint()) return false;
    const hasMoved = ({ id, address }: LayoutNode): boolean =>
      address !== "" && address !== current.node(id)?.address;
    if (!told.nodes.some(hasMoved)) return false;
    this.#layout = current.placed((id) => told.node(id)?.address ?? "");
    return true;
  }
}

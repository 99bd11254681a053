/**
 * The connections of a client, and which of them a key should take.
 *
 * Nodes are known by id and dialled by address. The addresses of the layout are the nodes' own
 * words; the seeds are what the user wrote, and may lead to the same nodes by other names. So a
 * connection belongs to whoever answered on it, and a node that is reached by a seed is not dialled
 * a second time.
 */
import type { Key } from "../core/ring/key.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { Address } from "../socket/address.ts";
import { formatAddress, parseAddress } from "../socket/address.ts";
import type { ConnectionOwner } from "./connection.ts";
import { Connection } from "./connection.ts";
import type { LayoutCache } from "./layout-cache.ts";

export interface PoolOwner extends ConnectionOwner {
  /** Nobody has told where a node is. */
  onUnplaced(): void;
  /** It takes much longer than others: from now on it is left alone. */
  onFoundSlow(connection: Connection): void;
}

export class ConnectionPool {
  readonly #owner: PoolOwner;
  readonly #cache: LayoutCache;
  readonly #seeds: ReadonlySet<string>;
  readonly #byAddress: Map<string, Connection> = new Map();
  /** To whom the layout's addresses lead, by its own words. */
  readonly #named: Map<NodeId, Connection> = new Map();
  /** Who really answered, from when it is ready to when it is lost. */
  readonly #byNode: Map<NodeId, Connection> = new Map();

  constructor(seeds: readonly Address[], cache: LayoutCache, owner: PoolOwner) {
    this.#owner = owner;
    this.#cache = cache;
    this.#seeds = new Set(seeds.map(formatAddress));
    for (const seed of seeds) this.#at(seed);
  }

  /**
   * A connection that is ready: to the first owner of the key that has one, else to any node.
   * Owners that would have been better are dialled meanwhile. The avoided one has just failed, and
   * is taken only when there is no other; so is an owner that is much slower than another, and one
   * that reaches too few of its peers, when another owner does not.
   */
  pick(key: Key, avoided: Connection | undefined, now: number): Connection | undefined {
    const owners = this.#cache.ownersOf(key);
    let slow: Connection | undefined = undefined;
    let lonely: Connection | undefined = undefined;
    for (const node of owners) {
      const connection = this.#byNode.get(node);
      if (connection?.isReady !== true || connection === avoided) this.to(node)?.connect();
      else if (connection.isLonely) lonely ??= connection;
      else if (this.#isLeftAlone(connection, owners, now)) slow ??= connection;
      else return connection;
    }
    const second = slow ?? lonely;
    if (second !== undefined) return second;
    let last: Connection | undefined = undefined;
    for (const connection of this.#byNode.values()) {
      if (!connection.isReady) continue;
      if (connection !== avoided) return connection;
      last = connection;
    }
    return last;
  }

  /** The connection to a node, ready or not; undefined when nobody has told where it is. */
  to(node: NodeId): Connection | undefined {
    const connection = this.#byNode.get(node) ?? this.#named.get(node);
    if (connection !== undefined) return connection;
    const address = parseAddress(this.#cache.addressOf(node) ?? "");
    if ("problem" in address) {
      this.#owner.onUnplaced();
      return undefined;
    }
    const named = this.#at(address);
    this.#named.set(node, named);
    return named;
  }

  anyReady(): Connection | undefined {
    for (const connection of this.#byNode.values()) if (connection.isReady) return connection;
    return undefined;
  }

  /** Tries every address there is: some request has nowhere to go. */
  dialAll(): void {
    for (const { id } of this.#cache.layout?.nodes ?? []) this.to(id)?.connect();
    for (const connection of this.#byAddress.values()) connection.connect();
  }

  /** When the next `dialAll` may do something; undefined while every address is being dialled. */
  get retryAt(): number | undefined {
    let earliest: number | undefined = undefined;
    for (const { retryAt } of this.#byAddress.values()) {
      if (retryAt !== undefined) earliest = Math.min(earliest ?? retryAt, retryAt);
    }
    return earliest;
  }

  onReady(connection: Connection): void {
    const { node } = connection;
    if (node === undefined) return;
    if (this.#byNode.get(node)?.isReady !== true) this.#byNode.set(node, connection);
  }

  onLost(connection: Connection): void {
    const { node } = connection;
    if (node !== undefined && this.#byNode.get(node) === connection) this.#byNode.delete(node);
  }

  /** Forgets the addresses that nobody names any more. What is connected stays, until it is not. */
  onLayout(): void {
    this.#named.clear();
    const named = new Set(this.#cache.layout?.nodes.map(({ address }) => address));
    for (const [address, connection] of this.#byAddress) {
      const isNamed = named.has(address) || this.#seeds.has(address);
      if (!isNamed && connection.retryAt !== undefined) this.#byAddress.delete(address);
    }
  }

  values(): IterableIterator<Connection> {
    return this.#byAddress.values();
  }

  #isLeftAlone(connection: Connection, owners: readonly NodeId[], now: number): boolean {
    const { promptness } = connection;
    if (!promptness.isInDoubt(now)) return false;
    let otherMs = Infinity;
    for (const node of owners) {
      const other = this.#byNode.get(node);
      if (other === connection || other?.isReady !== true) continue;
      if (other.isLonely || other.promptness.isSlow) continue;
      otherMs = Math.min(otherMs, other.promptness.expectedMs(now));
    }
    const wasSlow = promptness.isSlow;
    const isLeftAlone = promptness.isLeftAlone(now, otherMs);
    if (isLeftAlone && !wasSlow) this.#owner.onFoundSlow(connection);
    return isLeftAlone;
  }

  #at(address: Address): Connection {
    const name = formatAddress(address);
    let connection = this.#byAddress.get(name);
    if (connection === undefined) {
      connection = new Connection(address, this.#owner);
      this.#byAddress.set(name, connection);
    }
    return connection;
  }
}

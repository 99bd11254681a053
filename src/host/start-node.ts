/**
 * From settings to a running node: made (`made-node.ts`), settled, connected.
 */
import { DEFAULT_CONFIG } from "../core/config.ts";
import { FRAME_OVERHEAD_BYTES } from "../core/wire/frame.ts";
import type { NodeStorage } from "../disk/node-storage.ts";
import { formatAddress } from "../socket/address.ts";
import type { Plant } from "../socket/frame-socket.ts";
import { Turn } from "../socket/turn.ts";
import { WriterPool } from "../socket/writer-pool.ts";
import type { CheckedSettings, NodeSettings } from "./cluster-settings.ts";
import { checkSettings, firstLayout } from "./cluster-settings.ts";
import type { HostFact } from "./host-fact.ts";
import type { Host } from "./host.ts";
import { Listener } from "./listener.ts";
import { type MadeNode, makeNode, openStorage } from "./made-node.ts";
import { type NameSource, SystemNames } from "./names.ts";
import type { NodeStatus, PeerStatus } from "./node-status.ts";
import { settleRows, type SettleSetup } from "./settle-rows.ts";
import { statusDocument } from "./status-document.ts";
import { TcpTransport } from "./tcp-transport.ts";

export interface RunningNode {
  /** The way to the cluster for this process: it has the face of `client/door.ts`. */
  readonly host: Host;
  /** How others reach the node, with the port that listening found. */
  readonly address: string;
  status(): NodeStatus;
  /**
   * Whether all other members of the layout are connected, as soon as they are or the time is over.
   */
  linked(timeoutMs: number): Promise<boolean>;
  /** Takes nothing new, waits for what is open at most `limits.drainMs`, then closes. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Hears every fact, from the first on. */
  readonly onFact?: (fact: HostFact) => void;
  /** Where names are looked up, by default where this machine does. */
  readonly names?: NameSource;
  /** Ends a start that waits, since its rows were put back and nobody says whether they count. */
  readonly signal?: AbortSignal;
}

/**
 * Rejects with a SettingsError, with the system's error when it cannot listen, or with
 * StoppedWaiting. What was put back is settled before anybody is met, however long that takes.
 */
export async function startNode(
  given: NodeSettings,
  options: StartOptions = {},
): Promise<RunningNode> {
  const settings = checkSettings(given);
  const { limits } = settings;
  // What cannot be placed is refused before anything is open.
  firstLayout(settings);
  const opened = await openStorage(settings);
  const plant: Plant = { turn: new Turn(), pool: new WriterPool() };
  const listener = new Listener(plant, limits.greetingTimeoutMs);
  const bound = await listener.listen(settings.listen).catch(async (error: unknown) => {
    await opened?.close(true);
    throw error;
  });
  const names = options.names ?? new SystemNames();
  const make = (storage: NodeStorage | undefined): MadeNode =>
    makeNode(settings, plant.turn, bound.port, storage, options.onFact);
  const { signal } = options;
  const means = { settings, listener, plant, names, signal };
  const { host, advertise, storage } = await settled(make(opened), make, means);
  const address = formatAddress(advertise);
  const statusOf = (peers: readonly PeerStatus[]): NodeStatus =>
    statusDocument(host, address, peers, storage);
  const transport = new TcpTransport({
    host,
    plant,
    limits,
    listener,
    advertise,
    names,
    askBytesMax: askBytesMaxOf(settings),
    requestTimeoutMs: settings.config.requestTimeoutMs,
    status: (peers) => JSON.stringify(statusOf(peers)),
  });
  host.attach(transport);
  const trees = storage?.takeTrees();
  if (trees !== undefined) host.restoreTrees(trees);
  host.start();
  transport.start();
  host.note({ kind: "listening", address: formatAddress(bound) });
  return {
    host,
    address,
    status: () => statusOf(transport.peerStatuses()),
    linked: (timeoutMs) => linked(host, transport, timeoutMs),
    stop: () => host.close(),
  };
}

/** Rows that were put back are found to count, or are moved aside, and it is begun without any. */
async function settled(
  made: MadeNode,
  make: (storage: NodeStorage | undefined) => MadeNode,
  means: Pick<SettleSetup, "settings" | "listener" | "plant" | "names" | "signal">,
): Promise<MadeNode> {
  const { host, storage } = made;
  if (storage === undefined || storage.isSettled) return made;
  host.hold();
  const { era } = host;
  const address = formatAddress(made.advertise);
  const status: SettleSetup["status"] = (peers, waits) =>
    JSON.stringify(statusDocument(host, address, peers, storage, waits));
  try {
    const verdict = await settleRows({ ...means, host, storage, address, status });
    if (verdict === "keep") {
      await storage.settle();
      host.note({ kind: "rows-kept", era });
      return made;
    }
    const path = storage.giveUpRows();
    await host.close();
    const fresh = make(await openStorage(means.settings));
    fresh.host.note({ kind: "rows-given-up", era, path });
    return fresh;
  } catch (error) {
    await Promise.allSettled([host.close(), means.listener.stop()]);
    throw error;
  }
}

function linked(host: Host, transport: TcpTransport, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      stopListening();
      resolve(transport.isLinked);
    };
    const timer = setTimeout(finish, timeoutMs);
    const stopListening = host.onFact(({ kind }) => {
      if (kind === "peer-linked" && transport.isLinked) finish();
    });
    if (transport.isLinked) finish();
  });
}

/**
 * A value above our own bound but below the usual one still arrives, and is refused by name; the
 * frame that would not even be read ends the connection, with everything that was open on it.
 */
function askBytesMaxOf({ config }: CheckedSettings): number {
  return Math.max(config.valueBytesMax, DEFAULT_CONFIG.valueBytesMax) + FRAME_OVERHEAD_BYTES;
}

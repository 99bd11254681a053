/** What a simulated host is made of, and where the effects of its node go. */
import type { Random } from "../core/base/random.ts";
import type { SipKey } from "../core/base/siphash.ts";
import type { NodeConfig } from "../core/config.ts";
import type { Message } from "../core/messages.ts";
import type { Outcome } from "../core/outcomes.ts";
import type { PurgeConfig } from "../core/purge/purge-config.ts";
import type { Layout } from "../core/ring/layout.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { LogSizes } from "../core/storage/log/log-options.ts";
import type { StorageKind } from "./node-storage.ts";
import type { Recorder } from "./recorder.ts";
import type { Scheduler } from "./scheduler.ts";
import type { DiskOptions } from "./storage.ts";
import type { WallClock } from "./wall-clock.ts";

export interface HostSetup {
  readonly index: number;
  readonly nodes: readonly NodeId[];
  readonly scheduler: Scheduler;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly config: NodeConfig;
  readonly purge: PurgeConfig;
  readonly layout: Layout;
  readonly secret: SipKey;
  readonly storage: StorageKind;
  readonly disk: DiskOptions;
  /** Of a storage that is a log. */
  readonly log: LogSizes;
  readonly leaseBlock: number;
  readonly wall: WallClock;
  /** Messages and outcomes pass as bytes, which are overwritten once they were read. */
  readonly wire: boolean;
  readonly surroundings: Surroundings;
}

/** Where the effects of this node go. */
export interface Surroundings {
  send(target: number, message: Message): void;
  reply(request: number, outcome: Outcome): void;
  /** It has booted, and its peers may meet it. */
  onUp(): void;
  /** It asks the other members for their eras, and hears within a moment who has answered. */
  askEras(): void;
  /** It waits for somebody to say what its rows are worth, and nobody else can. */
  onOperatorNeeded(): void;
  /** This peer's boot is older than one of this generation, which was met before. */
  onRefused(peer: NodeId, generation: number): void;
  /** Its disk failed it: it is down. */
  onFailed(): void;
  /** The node threw: it is wrong, and now it is down. */
  onBug(input: string, error: unknown): void;
}

/** The storage of a simulated host, of either kind, tied to the scheduler. */
import type { Instant } from "../core/effects.ts";
import type { NodeId } from "../core/ring/node-id.ts";
import type { HostSetup } from "./host-setup.ts";
import { type LogProcess, LogStorage } from "./log-storage.ts";
import { type ModelQueue, ModelStorage } from "./model-storage.ts";
import type { NodeStorage } from "./node-storage.ts";

/** An append only changes memory: of the time that a sync takes, it takes so much. */
const APPEND_SHARE = 0.1;
/** Events of a disk are its own matter, whoever lives. */
export const ANY_LIFE = -1;

/** `life`: that of the process, which grows with every end. */
export function hostStorage(
  setup: HostSetup,
  process: LogProcess,
  life: () => number,
): NodeStorage {
  return setup.storage === "model"
    ? modelStorage(setup, process, life)
    : logStorage(setup, process, setup.nodes[setup.index]!);
}

function modelStorage(setup: HostSetup, events: LogProcess, life: () => number): ModelStorage {
  const { random, disk, leaseBlock, scheduler, recorder, index } = setup;
  const queue: ModelQueue = {
    get now(): Instant {
      return scheduler.now;
    },
    complete: (delayMs, write): void => scheduler.complete(delayMs, index, life(), write),
    later: (delayMs, action): void => scheduler.act(delayMs, action),
    onStall: (): void => recorder.fault("disk-stalled", setup.nodes[index]),
  };
  return new ModelStorage({ random, disk, leaseBlock, queue, events });
}

function logStorage(setup: HostSetup, process: LogProcess, nodeId: NodeId): LogStorage {
  const { random, disk, log, leaseBlock, layout, scheduler, recorder, index } = setup;
  return new LogStorage({
    clusterId: layout.clusterId,
    nodeId,
    random,
    pace: { ...disk, appendMs: 0.01, appendMsMean: disk.syncMsMean * APPEND_SHARE },
    sizes: log,
    leaseBlock,
    world: {
      get now(): Instant {
        return scheduler.now;
      },
      complete: (delayMs, ticket): void => scheduler.complete(delayMs, index, ANY_LIFE, ticket),
      onFault: (fault): void => recorder.fault(fault, nodeId),
    },
    process,
  });
}

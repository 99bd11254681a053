/**
 * For everything that can be set or is told, the test that shows its effect: its file, its name or
 * the beginning of it, and what it shows. What is added needs a line here.
 */
import { byName, type Shown } from "./shown.ts";

export const SETTINGS: Readonly<Record<string, Shown>> = byName([
  [
    "test/cluster/admission",
    "admission: pr and pw raise what r and w ask for, and never lower it",
    ["config.r", "config.w", "config.pr", "config.pw"],
  ],
  [
    "test/cluster/admission",
    "admission: a time-out is kept within its bounds",
    ["config.requestTimeoutMs", "config.requestTimeoutMsMax"],
  ],
  [
    "test/cluster/get",
    "get: the others are asked when the first is silent for too long",
    ["config.spareAfterMs"],
  ],
  [
    "test/cluster/hedge",
    "hedge: without a share it waits for spareAfterMs, as it does when the budget is spent",
    ["config.hedgeShare"],
  ],
  [
    "test/acceptance/effects-flags",
    "acceptance 13: standInAfterMs is how long a silent owner is waited for",
    ["config.standInAfterMs"],
  ],
  [
    "test/cluster/admission",
    "admission: more requests than allowed are refused at once, and only until some are answered",
    ["config.inFlightMax"],
  ],
  [
    "test/cluster/admission",
    "admission: more bytes than allowed are refused, but one request alone never is",
    ["config.inFlightBytesMax"],
  ],
  [
    "test/end-to-end/cli-start",
    "cli: r, w and the other settings of a node have an effect",
    ["config.valueBytesMax"],
  ],
  [
    "test/acceptance/effects-flags",
    "acceptance 13: recordBytesMax bounds all siblings of a key together",
    ["config.recordBytesMax"],
  ],
  [
    "test/cluster/admission",
    "admission: siblings beyond the limit are refused, with a context that mends it",
    ["config.siblingsMax"],
  ],
  [
    "test/cluster/admission",
    "admission: a context with more entries than allowed is refused",
    ["config.vectorEntriesMax"],
  ],
  [
    "core/handoff/hints",
    "hints: a target has a cap, and what needs no more room passes under it",
    ["config.hintBytesPerTargetMax"],
  ],
  ["core/handoff/hints", "hints: all targets together have a cap", ["config.hintBytesMax"]],
  [
    "core/handoff/handoff",
    "handoff: for who is away too long nothing more is kept, from its loss on",
    ["config.hintAwayMsMax"],
  ],
  [
    "test/end-to-end/cli-hints",
    "hints: deliver spares the patience, and says what it waits for",
    ["config.handoffAfterMs"],
  ],
  [
    "core/handoff/delivery",
    "delivery: so many in a second, after a first burst",
    ["config.handoffRowsPerSecond"],
  ],
  [
    "test/end-to-end/cli-tombstones",
    "tombstones: what is deleted is forgotten by all nodes, and does not come back",
    ["config.purgeEveryMs", "config.eraMs"],
  ],
  [
    "test/end-to-end/host-cluster",
    "host: what finds no room on its way to a peer is dropped, and counted",
    ["limits.outboundBytesMax"],
  ],
  [
    "test/end-to-end/host-peer",
    "peer: a message that no frame can hold is dropped, and the connection goes on",
    ["limits.frameBytesMax"],
  ],
  [
    "test/end-to-end/host-strangers",
    "strangers: one client too many is refused by name, and let in when another leaves",
    ["limits.clientConnectionsMax"],
  ],
  [
    "test/end-to-end/host-strangers",
    "strangers: of a client with too many open requests nothing more is read",
    ["limits.clientInFlightMax"],
  ],
  [
    "test/end-to-end/host-strangers",
    "strangers: a client that does not read its answers is not read from either",
    ["limits.clientOutboundBytesMax"],
  ],
  [
    "test/end-to-end/host-strangers",
    "strangers: a client that says nothing for long is disconnected",
    ["limits.clientIdleMs"],
  ],
  [
    "test/end-to-end/host-strangers",
    "strangers: whoever does not greet in time is cut off",
    ["limits.greetingTimeoutMs"],
  ],
  [
    "test/end-to-end/host-cluster",
    "host: a peer that goes dead without a word is given up, and found again",
    ["limits.peerSilenceMs"],
  ],
  [
    "test/acceptance/effects-flags",
    "acceptance 13: redialMsMin and redialMsMax are how often a lost peer is dialled",
    ["limits.redialMsMin", "limits.redialMsMax"],
  ],
  [
    "host/host",
    "host: closing waits a bounded time for what is open, then says what is known of it",
    ["limits.drainMs"],
  ],
  [
    "test/acceptance/storage",
    "writes, reads and compactions at once keep every key, as a map does",
    ["storage.engine", "storage.segmentBytes"],
  ],
  ["test/end-to-end/durable-full", "durable", ["storage.reserveBytes"]],
  [
    "test/acceptance/storage",
    "acceptance 4: sync always syncs before it answers, interval soon after, never not at all",
    ["storage.sync", "storage.syncIntervalMs"],
  ],
  [
    "test/acceptance/effects-flags",
    "acceptance 13: recentBytes of the log are read without the disk",
    ["storage.recentBytes"],
  ],
  [
    "test/end-to-end/durable-loss",
    "durable: a node that lost its directory comes back by itself, and is filled again",
    ["storage.restored"],
  ],
  [
    "test/end-to-end/durable-put-back",
    "put back: a member in a process waits until it is told not to, or that its rows count",
    ["storage.keepRows"],
  ],
  [
    "test/end-to-end/durable-put-back",
    "put back: a node that finds too few others waits, says why, and stops when it is told to",
    ["storage.giveUpRows"],
  ],
]);

/**
 * Verbs that work on keys share their flags; these are taken and mean nothing to the verb. To be
 * refused one day: the list must not grow.
 */
export const MEANINGLESS: readonly string[] = [
  "put --r",
  "put --pr",
  "batch --r",
  "batch --pr",
  "get --w",
  "get --pw",
  "delete --mode",
  "ring --bucket",
];

export const FLAGS: Readonly<Record<string, Shown>> = byName([
  [
    "test/end-to-end/durable-directory",
    "durable: another node, cluster, layout or engine is refused by name, and changes nothing",
    ["start --cluster --partitions --strategy --id", "dev --cluster --partitions --strategy"],
  ],
  [
    "test/end-to-end/cli-start",
    "cli: contexts of one secret are refused under another",
    ["start --secret-file", "dev --secret-file"],
  ],
  [
    "test/end-to-end/cli-start",
    "cli: a member's zone and weight may stand in the list of peers",
    ["start --replicas --zone --weight", "dev --replicas"],
  ],
  [
    "test/end-to-end/cli-start",
    "cli: a node is ready when any key has its quorum, not before",
    ["start --virtual-nodes", "dev --virtual-nodes"],
  ],
  [
    "test/end-to-end/cli-faults",
    "cli: one node down is no error",
    ["start --r --w", "dev --r --w"],
  ],
  [
    "test/end-to-end/durable-kills",
    "nodes killed in",
    ["start --engine --sync", "dev --engine --sync"],
  ],
  [
    "test/end-to-end/durable-loss",
    "durable: a node that lost its directory comes back by itself, and is filled again",
    ["start --restored", "dev --restored"],
  ],
  [
    "test/end-to-end/durable-put-back",
    "put back: an old copy whose rows are to count keeps them, deleted or not",
    ["start --keep-rows", "dev --keep-rows"],
  ],
  [
    "test/end-to-end/durable-put-back",
    "put back: a node that finds too few others waits, says why, and stops when it is told to",
    ["start --give-up-rows", "dev --give-up-rows"],
  ],
  [
    "test/end-to-end/cli-start",
    "cli: r, w and the other settings of a node have an effect",
    ["start --set", "dev --set"],
  ],
  [
    "test/end-to-end/cli-faults",
    "cli: a port in use is named, and nothing is left running",
    ["dev --nodes --base-port"],
  ],
  [
    "test/end-to-end/durable-directory",
    "durable: dev keeps its rows over a stop, and over a kill",
    ["dev --dir"],
  ],
  [
    "test/end-to-end/durable-directory",
    "durable: dev --memory keeps nothing, and makes nothing",
    ["dev --memory"],
  ],
  [
    "test/acceptance/settings",
    "acceptance 11: a node is the same after a restart",
    ["start --listen --advertise --seeds --peers --dir"],
  ],
  [
    "test/end-to-end/cli",
    "cli: a put is served through any node, and consistency is what was asked for",
    ["put --node", "get --node", "delete --node", "batch --node"],
  ],
  [
    "test/acceptance/effects-flags",
    "acceptance 13: --timeout bounds the waiting for who is silent, whatever the verb",
    [
      "put --timeout",
      "get --timeout",
      "delete --timeout",
      "batch --timeout",
      "status --timeout --node",
      "ring --timeout --node",
      "hints --timeout --node",
      "repair --timeout --node",
      "backup --timeout --node",
      "restore --timeout --node",
      "bench --timeout --node",
    ],
  ],
  ["test/end-to-end/cli", "cli: what a put tells in JSON", ["put --json"]],
  ["test/end-to-end/cli", "cli: a put with --ttl is gone when its time is over", ["put --ttl"]],
  [
    "test/acceptance/effects-flags",
    "acceptance 13: flags of requests do what they say, with one of three owners left",
    [
      "put --bucket --mode --consistency --w --pw --session",
      "get --bucket --mode --consistency --r --pr --session",
      "delete --bucket --consistency --r --w --pr --pw --session --context",
      "batch --bucket --mode --consistency --w --pw --session",
    ],
  ],
  ["test/end-to-end/cli", "cli: what a get tells in JSON, found and not", ["get --json"]],
  [
    "test/end-to-end/cli",
    "cli: a delete in JSON says whether anything was there",
    ["delete --json"],
  ],
  ["test/end-to-end/cli", "cli: batch stores pairs, from words and from lines", ["batch --json"]],
  [
    "test/end-to-end/cli",
    "cli: two puts with one context are siblings, and a put with theirs ends them",
    ["put --context"],
  ],
  ["test/end-to-end/cli", "cli: a value from stdin may be any bytes", ["get --raw"]],
  ["test/end-to-end/cli", "cli: status tells of every node", ["status --json"]],
  [
    "test/end-to-end/cli-repair",
    "repair: a node whose disk was lost holds everything again when it ends",
    ["status --partitions", "repair --partition --at --json"],
  ],
  [
    "test/end-to-end/cli",
    "cli: ring tells who owns what, and where a key belongs",
    ["ring --json --key"],
  ],
  [
    "test/end-to-end/cli-hints",
    "hints: drop needs a name and a yes, and forgets what is kept for that node",
    ["hints --to --yes"],
  ],
  [
    "test/end-to-end/cli-hints",
    "hints: deliver spares the patience, and says what it waits for",
    ["hints --json"],
  ],
  [
    "test/end-to-end/cli-repair",
    "repair: who stops watching leaves it going on",
    ["repair --wait --no-wait"],
  ],
  [
    "test/end-to-end/cli-inspect",
    "inspect: a whole store, with all fields",
    ["inspect --check --keys --limit"],
  ],
  [
    "test/end-to-end/cli-inspect",
    "inspect: losses are accepted with --yes alone, and then what is left is good",
    ["inspect --accept-losses --yes --json"],
  ],
  [
    "test/end-to-end/cli-backup",
    "backup: into clusters of one and of five nodes, with other partitions",
    ["backup --owners"],
  ],
  [
    "test/end-to-end/cli-backup",
    "backup: a partition without an owner fails it, or is listed as missing",
    ["backup --partial"],
  ],
  [
    "test/end-to-end/cli-backup",
    "backup: usage: directories that are none, and nobody to ask",
    ["backup --json", "verify --json", "restore --json"],
  ],
  [
    "test/acceptance/effects-flags",
    "acceptance 13: flags of bench choose what is done, how, and to whom",
    ["bench --operation --value-bytes --keys --seconds --warm-up --r --w --self --json"],
  ],
  ["test/end-to-end/cli", "cli: bench loads a cluster that runs", ["bench --in-flight"]],
  [
    "test/end-to-end/cli-sim",
    "cli: one seed is one run, told in numbers, and the same each time",
    ["sim --seed --json"],
  ],
  [
    "test/end-to-end/cli-sim",
    "cli: many seeds add up, in threads, whatever their order",
    ["sim --seeds --jobs"],
  ],
  [
    "test/acceptance/effects-flags",
    "acceptance 13: flags of sim choose how large and how long a run is",
    ["sim --nodes --virtual-seconds"],
  ],
  [
    "test/end-to-end/cli-sim",
    "cli: a planted bug is a broken promise, found, named and made small",
    ["sim --planted --shrink"],
  ],
  [
    "test/end-to-end/cli-sim",
    "cli: the bugs that can be planted are listed, with who finds them",
    ["sim --list-planted"],
  ],
  ["test/end-to-end/cli-sim", "cli: a run that is not the same twice is found", ["sim --twice"]],
  [
    "test/end-to-end/cli-sim",
    "cli: full runs say how much hit them, and none is quieter than it should be",
    ["sim --full"],
  ],
  [
    "test/end-to-end/cli-sim",
    "cli: a trace tells the run in lines, those about a node if one is named",
    ["sim --trace"],
  ],
]);

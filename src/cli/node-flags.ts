/**
 * What a node is told on its command line, as the settings of `startNode`, and back as words: `dev`
 * hands them on to the nodes that it starts.
 *
 * Nothing is judged here but what is no number. The rules stand in one place,
 * `cluster-settings.ts`, which names the field and the value that cannot be.
 */
import { readFileSync } from "node:fs";
import { InvalidArgumentError, Option, type Command } from "commander";
import { DEFAULT_CONFIG, type NodeConfig } from "../core/config.ts";
import { TOKENS_PER_NODE_DEFAULT } from "../core/ring/ring-placement.ts";
import { PARTITION_COUNT_DEFAULT } from "../core/ring/slot.ts";
import { CLUSTER_ID_DEFAULT, REPLICAS_DEFAULT } from "../host/cluster-settings.ts";
import type { NodeSettings } from "../host/cluster-settings.ts";
import {
  ENGINE_KINDS,
  type EngineKind,
  SYNC_KINDS,
  type SyncKind,
} from "../disk/storage-settings.ts";
import type { GivenStorage } from "../host/storage-settings.ts";
import type { MemberSettings } from "../host/member-settings.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import { level } from "./flags.ts";

/** Flags that all nodes of a cluster share. */
export interface NodeFlags {
  readonly cluster?: string;
  readonly secretFile?: string;
  readonly replicas?: number;
  readonly partitions?: number;
  readonly strategy?: "balanced" | "ring";
  readonly virtualNodes?: number;
  readonly r?: NodeConfig["r"];
  readonly w?: NodeConfig["w"];
  readonly dir?: string;
  readonly engine?: EngineKind;
  readonly sync?: SyncKind;
  readonly restored?: true;
  readonly keepRows?: true;
  readonly giveUpRows?: true;
  readonly set?: readonly Knob[];
}

const ROOMS = ["config", "limits", "storage"] as const;

/** `config.requestTimeoutMs=500` */
interface Knob {
  readonly room: (typeof ROOMS)[number];
  readonly field: string;
  readonly value: number | string;
}

export function nodeFlags(command: Command): Command {
  const flag = (name: string, env: string, description: string): Option =>
    new Option(name, description).env(env);
  const usual = DEFAULT_CONFIG;
  const options = [
    flag("--cluster <name>", "GRAMME_CLUSTER", `the cluster's name, else ${CLUSTER_ID_DEFAULT}`),
    flag("--secret-file <path>", "GRAMME_SECRET_FILE", "seals contexts; or GRAMME_SECRET itself"),
    flag(
      "--replicas <count>",
      "GRAMME_REPLICAS",
      `owners of each key, else ${REPLICAS_DEFAULT} or all of fewer nodes`,
    ).argParser(integer),
    flag(
      "--partitions <count>",
      "GRAMME_PARTITIONS",
      `slices of the ring, a power of two, else ${PARTITION_COUNT_DEFAULT}`,
    ).argParser(integer),
    flag("--strategy <name>", "GRAMME_STRATEGY", "who owns which partition, else balanced").choices(
      ["balanced", "ring"],
    ),
    flag(
      "--virtual-nodes <count>",
      "GRAMME_VIRTUAL_NODES",
      `points of a node on the ring, strategy ring only, else ${TOKENS_PER_NODE_DEFAULT}`,
    ).argParser(integer),
    flag("--r <level>", "GRAMME_R", `owners that answer a read, else ${usual.r}`).argParser(level),
    flag("--w <level>", "GRAMME_W", `owners that hold a write, else ${usual.w}`).argParser(level),
    flag("--engine <name>", "GRAMME_ENGINE", "keeps the rows in the directory, else log").choices(
      ENGINE_KINDS,
    ),
    flag(
      "--sync <policy>",
      "GRAMME_SYNC",
      "a write counts as stored after its sync (always, the default), or without",
    ).choices(SYNC_KINDS),
    new Option("--restored", "the directory comes from a backup: go on under a new identity"),
    new Option("--keep-rows", "rows that were put back count, and nobody is asked whether they do"),
    new Option(
      "--give-up-rows",
      "rows that were put back and are too old are moved aside, and the others fill the node again",
    ),
    new Option(
      "--set <field=value>",
      "any other setting, as config.requestTimeoutMs=500 or storage.segmentBytes=16777216",
    ).argParser(knobs),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

export function sharedSettings(flags: NodeFlags): Partial<NodeSettings> {
  const knobsOf = (room: Knob["room"]): Record<string, number | string> =>
    Object.fromEntries(
      (flags.set ?? [])
        .filter((knob) => knob.room === room)
        .map(({ field, value }) => [field, value]),
    );
  const config = {
    ...(flags.r === undefined ? {} : { r: flags.r }),
    ...(flags.w === undefined ? {} : { w: flags.w }),
    ...knobsOf("config"),
  };
  return given({
    clusterId: flags.cluster,
    secret: secretOf(flags.secretFile),
    replicas: flags.replicas,
    partitions: flags.partitions,
    strategy: flags.strategy,
    virtualNodes: flags.virtualNodes,
    config,
    limits: knobsOf("limits"),
    storage: storageOf(flags, knobsOf("storage")),
  });
}

function storageOf(flags: NodeFlags, sizes: object): GivenStorage | undefined {
  const { dir, engine, sync, restored, keepRows, giveUpRows } = flags;
  const rest = given({ engine, sync, restored, keepRows, giveUpRows, ...sizes });
  if (dir !== undefined) return { dir, ...rest };
  const [first] = Object.keys(rest);
  if (first === undefined) return undefined;
  const problem = `${first} says how rows are kept, and there is no directory to keep them in`;
  throw new CommandError(EXIT.usage, problem, "name one with --dir");
}

/** The same flags as words of a command line, but the directory: each node has its own. */
export function wordsOf(flags: NodeFlags): readonly string[] {
  const words: string[] = [];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) words.push(name, String(value));
  };
  add("--cluster", flags.cluster);
  add("--secret-file", flags.secretFile);
  add("--replicas", flags.replicas);
  add("--partitions", flags.partitions);
  add("--strategy", flags.strategy);
  add("--virtual-nodes", flags.virtualNodes);
  add("--r", flags.r);
  add("--w", flags.w);
  add("--engine", flags.engine);
  add("--sync", flags.sync);
  if (flags.restored === true) words.push("--restored");
  if (flags.keepRows === true) words.push("--keep-rows");
  if (flags.giveUpRows === true) words.push("--give-up-rows");
  for (const { room, field, value } of flags.set ?? []) add("--set", `${room}.${field}=${value}`);
  return words;
}

/** A whole number, however impossible: what it may be is for the settings to say. */
export function integer(text: string): number {
  if (/^-?[0-9]{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is a whole number.");
}

/**
 * `n1=10.0.0.1:7400`, or `n1` alone where seeds find it; with a zone and a weight where they
 * matter: `n1=10.0.0.1:7400@rack-a*2`.
 */
export function members(text: string): readonly MemberSettings[] {
  return text.split(",").map((part) => {
    const match = /^([^=@*:]+)(?:=([^@*]+))?(?:@([^*]+))?(?:\*(-?[0-9]+))?$/.exec(part.trim());
    if (match === null) {
      throw new InvalidArgumentError(`Write id or id=host:port, got ${JSON.stringify(part)}.`);
    }
    const [, id = "", address, zone, weight] = match;
    return given({ id, address, zone, weight: weight === undefined ? undefined : Number(weight) });
  });
}

export function seeds(text: string): readonly string[] {
  return text.split(",").map((part) => part.trim());
}

/** Without the fields that are undefined: a setting that is left out is not there at all. */
export function given<T extends object>(fields: { [Field in keyof T]: T[Field] | undefined }): T {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as unknown as T;
}

function knobs(text: string, before: readonly Knob[] | undefined): readonly Knob[] {
  const match = /^(config|limits|storage)\.([A-Za-z]+)=(.+)$/.exec(text);
  if (match === null) {
    throw new InvalidArgumentError(
      "Write config.name=value, limits.name=value or storage.name=value.",
    );
  }
  const [, room, field = "", value = ""] = match;
  const knob = { field, value: /^-?[0-9]+$/.test(value) ? Number(value) : value };
  return [...(before ?? []), { ...knob, room: room as Knob["room"] }];
}

/**
 * Secrets come from a file or the environment, never from a flag: others can list a command line.
 */
function secretOf(path: string | undefined): string | undefined {
  if (path === undefined) return process.env["GRAMME_SECRET"];
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(EXIT.usage, `--secret-file ${path}: ${reason}`);
  }
}

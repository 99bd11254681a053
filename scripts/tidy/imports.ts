/**
 * Who may import whom: the layers of ARCHITECTURE as a table.
 *
 *     base ◀ causality, ring ◀ storage, crdt ◀ vocabulary ◀ subsystems ◀ node.ts
 *                                              vocabulary ◀ wire, caller
 *     storage, the lease of replica ◀ identity
 *     the core ◀ sim, socket, disk ◀ host ◀ client, server ◀ backup ◀ cli
 *
 * The vocabulary is the words the subsystems share: requests, outcomes, messages, effects, facts.
 * Subsystems never import each other: each declares the narrow interface it needs, and node.ts
 * wires them. The compiler's project references already keep the shell out of the core; the table
 * keeps the core in order within itself. Tests are free, except that nothing at all imports the
 * command line.
 */
import type { Finding } from "./finding.ts";
import { isTest } from "./finding.ts";
import type { SourceText } from "./source-text.ts";
import { lineOf } from "./source-text.ts";

interface Layer {
  readonly name: string;
  /** Files whose path matches belong here; the first layer that matches wins. */
  readonly path: RegExp;
  readonly imports: readonly string[];
  /** What it may name that is not ours: `node:` modules or packages. */
  readonly packages: RegExp;
}

const NONE = /^$/;
const NODE = /^node:/;
const SUBSYSTEMS = [
  "membership",
  "replica",
  "coordinator",
  "handoff",
  "repair",
  "purge",
  "load",
  "layout",
  "kademlia",
];
const GROUND = ["base", "causality", "ring", "storage", "crdt", "vocabulary"];
const CORE = [...GROUND, ...SUBSYSTEMS, "wire", "caller", "identity", "node"];
const SHELL = ["socket", "disk", "host", "client", "server"];

const LAYERS: readonly Layer[] = [
  core("base", []),
  core("causality", ["base"]),
  core("ring", ["base", "causality"]),
  core("crdt", ["base", "causality"]),
  core("storage", ["base", "causality", "ring"]),
  core("wire", ["base", "causality", "ring", "vocabulary"]),
  core("caller", ["base", "vocabulary"]),
  ...SUBSYSTEMS.map((name) => core(name, GROUND)),
  core("identity", ["base", "causality", "storage", "replica"]),
  {
    name: "node",
    path: /^src\/core\/(node|node-setup|service)\.ts$/,
    imports: [...GROUND, ...SUBSYSTEMS],
    packages: NONE,
  },
  {
    name: "vocabulary",
    path: /^src\/core\/[^/]+\.ts$/,
    imports: ["base", "causality", "ring", "storage"],
    packages: NONE,
  },
  shell("sim", CORE, NONE),
  shell("socket", CORE, NODE),
  shell("disk", CORE, /^(node:|lmdb$|classic-level$)/),
  shell("host", [...CORE, "socket", "disk"], NODE),
  shell("client", [...CORE, "socket", "disk", "host"], NODE),
  shell("server", [...CORE, "socket", "disk", "host"], NODE),
  shell("backup", [...CORE, "client"], NODE),
  shell("cli", [...CORE, "sim", ...SHELL, "backup", "door"], /^(node:|commander$)/),
  {
    name: "door",
    path: /^src\/[^/]+\.ts$/,
    imports: [...CORE, ...SHELL],
    packages: NODE,
  },
];

function core(name: string, imports: readonly string[]): Layer {
  return { name, path: new RegExp(`^src/core/${name}/`), imports, packages: NONE };
}

function shell(name: string, imports: readonly string[], packages: RegExp): Layer {
  return { name, path: new RegExp(`^src/${name}/`), imports, packages };
}

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

export function listImports(source: SourceText): Import[] {
  // The quotes are code and stay in that view, so a match is never inside a string or a comment.
  const pattern = /\b(?:from|import)\s*\(?\s*(["'])( *)\1/g;
  return [...source.code.matchAll(pattern)].map((match) => {
    const end = match.index + match[0].length - 1;
    const specifier = source.text.slice(end - (match[2] ?? "").length, end);
    return { specifier, line: lineOf(source.code, match.index) };
  });
}

export function findForbiddenImports(source: SourceText): Finding[] {
  return listImports(source).flatMap(({ specifier, line }) => {
    const message = judge(source.path, specifier);
    return message === undefined ? [] : [{ path: source.path, line, message }];
  });
}

function judge(path: string, specifier: string): string | undefined {
  const target = resolve(path, specifier);
  if (target !== undefined && !/\.(ts|json)$/.test(target)) {
    return `"${specifier}" must end in .ts, as the file it names does`;
  }
  const layer = layerOf(path);
  if (target === undefined) {
    if (path.startsWith("examples/") && specifier.startsWith("#")) {
      return `examples come in by the public door: import "gramme", not "${specifier}"`;
    }
    if (layer === undefined || isTest(path) || layer.packages.test(specifier)) return undefined;
    return `${layer.name} may not import the package "${specifier}"`;
  }
  const other = layerOf(target);
  if (other?.name === "cli" && layer?.name !== "cli") return "nothing imports the command line";
  if (path.startsWith("examples/") && target.startsWith("src/")) {
    return `examples come in by the public door: import "gramme", not "${specifier}"`;
  }
  if (!path.startsWith("src/") || isTest(path)) return undefined;
  if (layer === undefined) return "this folder is in no layer: add it to scripts/tidy/imports.ts";
  if (other === undefined) return `"${specifier}" is in no layer`;
  if (other.name === layer.name || layer.imports.includes(other.name)) return undefined;
  return `${layer.name} may not import ${other.name} ("${specifier}")`;
}

function layerOf(path: string): Layer | undefined {
  return LAYERS.find((layer) => layer.path.test(path));
}

/** The path of the file that is meant, from the root of the repository; undefined for a package. */
function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith("#src/")) return specifier.slice(1);
  if (!specifier.startsWith(".")) return undefined;
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

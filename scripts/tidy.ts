/**
 * The project's own rules, those that no compiler and no linter knows. Run by `npm run tidy`, by
 * `npm run check`, and as a test. Every rule is a pure function in scripts/tidy/ with a test of a
 * text that breaks it and one that does not.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { findBannedWords } from "./tidy/bans.ts";
import { showFinding, type Finding } from "./tidy/finding.ts";
import { findForbiddenImports } from "./tidy/imports.ts";
import { findDeadLinks } from "./tidy/links.ts";
import {
  findClosedDoors,
  findInstallScripts,
  findLockedHosts,
  findLooseVersions,
  findMissingPlatforms,
  type Lock,
  type Manifest,
} from "./tidy/manifest.ts";
import {
  findBadName,
  findDefaultExport,
  findLongFile,
  findLongLines,
  findMissingOpening,
  findNarrowedTests,
  findUnfinished,
} from "./tidy/shape.ts";
import { readSource, type SourceText } from "./tidy/source-text.ts";

const SOURCE_RULES: readonly ((source: SourceText) => Finding[])[] = [
  findBannedWords,
  findForbiddenImports,
  findLongFile,
  findLongLines,
  findMissingOpening,
  findDefaultExport,
  findBadName,
  findUnfinished,
  findNarrowedTests,
];

const UNSEEN = new Set([".git", "dist", "node_modules", "fixtures"]);

/** Checks the repository in the current folder, which must have been built. */
export function tidy(): Finding[] {
  const paths = listFiles(".");
  const sources = paths
    .filter((path) => /^(src|test|bench|examples|scripts)\/.*\.ts$/.test(path))
    .map((path) => readSource(path, readFileSync(path, "utf8")));
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;
  return [
    ...sources.flatMap((source) => SOURCE_RULES.flatMap((rule) => rule(source))),
    ...findClosedDoors(manifest, existsSync),
    ...findLooseVersions(manifest),
    ...findInstallScripts(lock),
    ...findLockedHosts(lock),
    ...findMissingPlatforms(lock),
    ...paths
      .filter((path) => path.endsWith(".md"))
      .flatMap((path) => findDeadLinks(path, readFileSync(path, "utf8"), existsSync)),
  ];
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (UNSEEN.has(entry.name)) return [];
    const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}

function main(): void {
  const findings = tidy();
  for (const finding of findings) console.error(showFinding(finding));
  if (findings.length === 0) return console.log("tidy: nothing to say");
  console.error(`tidy: ${findings.length} to mend`);
  process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) main();

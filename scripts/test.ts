/**
 * Runs the compiled tests: `npm test`, or `npm test -- core/ring hand-off` for those whose path
 * contains one of the words. `--seeds 1000` tells the seed sweeps how far to go.
 *
 * Tests beside the code are small and many, and a process for each would cost more than the tests:
 * those of one area share one, through an entry file made here. A file in test/ may open sockets,
 * kill processes, or fill a disk: it gets a process of its own. What runs is found from the
 * sources, so that a deleted test does not live on in dist/.
 *
 * The last line is `N passed, N failed`. The exit code is 1 when a test failed, when none ran, and
 * when one was skipped without saying why.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, isAbsolute, join, resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const FILE_TIMEOUT_MS = 300_000;
const SEED_TIMEOUT_MS = 1_000;
const CONCURRENCY = 2;

const { values, positionals } = parseArgs({
  options: { seeds: { type: "string", default: "200" } },
  allowPositionals: true,
});

const sources = ["src", "scripts", "test"]
  .filter((folder) => existsSync(folder))
  .flatMap(listTests)
  .filter((path) => positionals.length === 0 || positionals.some((word) => path.includes(word)));

const entries = mkdtempSync(join(tmpdir(), "gramme-tests-"));
process.on("exit", () => rmSync(entries, { recursive: true, force: true }));
process.env["GRAMME_TEST_SEEDS"] = values.seeds;
const stream = run({
  files: makeEntries(sources),
  concurrency: CONCURRENCY,
  timeout: FILE_TIMEOUT_MS + Number(values.seeds) * SEED_TIMEOUT_MS,
});

let passed = 0;
let failed = 0;
const remarks: string[] = [];
const skipped: string[] = [];
stream.on("test:pass", ({ name, skip, todo, details }) => {
  if (details.type === "suite") return;
  if (typeof skip === "string" && skip !== "") skipped.push(`skipped ${name}: ${skip}`);
  else if (skip !== undefined || todo !== undefined) fail(`${name}: skipped without a reason`);
  else if (isAbsolute(name)) fail(`${name} holds no test`);
  else passed += 1;
});
stream.on("test:fail", ({ details }) => {
  if (details.type !== "suite") failed += 1;
});
const report = stream.compose(new spec());
report.on("end", () => {
  for (const remark of [...skipped, ...remarks]) console.log(remark);
  const skips = skipped.length === 0 ? "" : `, ${skipped.length} skipped`;
  console.log(`${passed} passed, ${failed} failed${skips}`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
});
report.pipe(process.stdout);

function fail(remark: string): void {
  failed += 1;
  remarks.push(remark);
}

function listTests(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts"))
    .map((path) => `${folder}/${path}`)
    .toSorted();
}

/**
 * One file per process to start: entry files for the areas of small tests, the large tests as they
 * are.
 */
function makeEntries(paths: readonly string[]): string[] {
  const areas = new Map<string, string[]>();
  const alone: string[] = [];
  for (const path of paths) {
    const area = areaOf(path);
    if (area === undefined) alone.push(compiled(path));
    else areas.set(area, [...(areas.get(area) ?? []), path]);
  }
  const together = [...areas].map(([area, members]) => {
    const entry = join(entries, `${area}.test.mjs`);
    writeFileSync(entry, members.map(importOf).join(""));
    return entry;
  });
  return [...together, ...alone];
}

function areaOf(path: string): string | undefined {
  const folders = path.split("/").slice(0, -1);
  return folders[0] === "test" ? undefined : folders.slice(0, 3).join("-");
}

/** A file that cannot be loaded is one failed test, and the rest of its area still runs. */
function importOf(path: string): string {
  const url = JSON.stringify(pathToFileURL(compiled(path)).href);
  const name = JSON.stringify(`${basename(path)} loads`);
  return `await import(${url}).catch(async (error) => {
  (await import("node:test")).test(${name}, () => { throw error; });
});
`;
}

function compiled(path: string): string {
  return resolve(
    path
      .replace(/^src\//, "dist/")
      .replace(/^(?=scripts|test)/, "dist/")
      .replace(/ts$/, "js"),
  );
}

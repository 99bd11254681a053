import assert from "node:assert/strict";
import { test } from "node:test";
import { tidy } from "./tidy.ts";
import { findBannedWords } from "./tidy/bans.ts";
import { showFinding, type Finding } from "./tidy/finding.ts";
import { findForbiddenImports, listImports } from "./tidy/imports.ts";
import { findDeadLinks } from "./tidy/links.ts";
import {
  findClosedDoors,
  findInstallScripts,
  findLockedHosts,
  findLooseVersions,
  findMissingPlatforms,
} from "./tidy/manifest.ts";
import * as shape from "./tidy/shape.ts";
import { lineOf, readSource, type SourceText } from "./tidy/source-text.ts";

type Rule = (source: SourceText) => Finding[];

function refuses(rule: Rule, path: string, ...texts: string[]): void {
  for (const text of texts) {
    assert.equal(rule(readSource(path, text)).length, 1, `${path} should be refused: ${text}`);
  }
}

function accepts(rule: Rule, path: string, ...texts: string[]): void {
  for (const text of texts) {
    assert.deepEqual(rule(readSource(path, text)), [], `${path} should be accepted: ${text}`);
  }
}

test("tidy: this repository", () => {
  const findings = tidy();
  assert.ok(findings.length === 0, ["to mend:", ...findings.map(showFinding)].join("\n"));
});

test("source text: hides what comments and strings say", () => {
  const cases: readonly (readonly [text: string, code: string])[] = [
    ["a // b\nc", "a     \nc"],
    ["a /* b\nb */ c", "a     \n     c"],
    ["/*/ a */ b", "         b"],
    ['a("// b") // c', 'a("    ")     '],
    ["a('it\\'s') + b", "a('     ') + b"],
    ["`a ${b(`c ${d}`)} e` + f", "`  ${b(`  ${d}`)}  ` + f"],
    ["`a ${{ b: {} }} c`; d", "`  ${{ b: {} }}  `; d"],
    ["`\\` \\${a}` + b", "`        ` + b"],
    ["a = b / c / d", "a = b / c / d"],
    ["x = /[/'\"]\\/b/g.test(a)", "x = /        /g.test(a)"],
    ["return /a'/.test(b) ? '1' : c", "return /  /.test(b) ? ' ' : c"],
    ["(a) / b; // '", "(a) / b;     "],
  ];
  for (const [text, code] of cases) assert.equal(readSource("a.ts", text).code, code);
});

test("source text: shows comments alone", () => {
  const source = readSource("a.ts", 'let a = "b"; // c\n/* d */ e("/* f */");');
  assert.equal(source.comments.replace(/ +/g, " "), " // c\n/* d */ ");
  assert.equal(source.comments.length, source.text.length);
});

test("source text: an unfinished text ends", () => {
  for (const text of ["/* a", "'a", "`a ${", "`a", "/a", "'\\", "`\\", "}"]) {
    assert.equal(readSource("a.ts", text).code.length, text.length);
  }
});

test("source text: counts lines from one", () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((at) => lineOf("a\nb\nc", at)),
    [1, 1, 2, 2],
  );
});

test("bans: what would make a trace differ", () => {
  refuses(
    findBannedWords,
    "src/core/replica/replica.ts",
    "const now = Date.now();",
    "Math.random();",
    "function a(): Promise<void> {}",
    "async function a() {}",
    "await a();",
    "new WeakRef(a);",
    "new Intl.Collator();",
    "a.localeCompare(b);",
    "a.toLocaleUpperCase();",
    "Math.log(2);",
    "Math.log2(a);",
    "Math . pow(2, 3);",
    "Math.sin(1);",
    "Math.atan2(a, b);",
    "a ** 2;",
    "2 ** a;",
    "a1 **= 2;",
    'Buffer.from("a");',
    "globalThis.a;",
  );
});

test("bans: not in words, strings, comments, tests or the shell", () => {
  accepts(
    findBannedWords,
    "src/core/replica/replica.ts",
    "// a Promise made to the client, see Math.random",
    'throw new Error("no Date here");',
    "const dateless = update.promised; Math.floor(a); Math.clz32(a); Math.imul(a, b);",
    "const EPOCH_MAX = 2 ** 48 - 1;",
    "/** a drawing ** of stars */",
  );
  accepts(findBannedWords, "src/core/replica/replica.test.ts", "await a();");
  accepts(findBannedWords, "src/host/loop.ts", "await Promise.resolve(Date.now());");
  refuses(findBannedWords, "src/sim/scheduler.ts", "await a();");
});

test("imports: are found where code names them", () => {
  const text = [
    'import { a } from "./a.ts";',
    "import {\n  type B,\n  c,\n} from './b.ts';",
    'export * from "./c.ts";',
    'import "./d.ts";',
    'const e = await import("./e.ts");',
    '// import "./f.ts"',
    'const g = `import "./g.ts"`;',
  ].join("\n");
  assert.deepEqual(listImports(readSource("a.ts", text)), [
    { specifier: "./a.ts", line: 1 },
    { specifier: "./b.ts", line: 5 },
    { specifier: "./c.ts", line: 6 },
    { specifier: "./d.ts", line: 7 },
    { specifier: "./e.ts", line: 8 },
  ]);
});

test("imports: the layers of the core", () => {
  const rule = findForbiddenImports;
  refuses(rule, "src/core/base/heap.ts", 'import "../ring/key.ts";', 'import "../config.ts";');
  refuses(rule, "src/core/causality/context.ts", 'import "../ring/key.ts";');
  refuses(rule, "src/core/storage/engine.ts", 'import "../replica/row.ts";');
  refuses(rule, "src/core/wire/codec.ts", 'import "../replica/row.ts";');
  refuses(rule, "src/core/replica/row.ts", 'import "../repair/hints.ts";', 'import "../node.ts";');
  refuses(rule, "src/core/messages.ts", 'import "./replica/row.ts";', 'import "./node.ts";');
  refuses(rule, "src/core/node.ts", 'import "./wire/codec.ts";', 'import "../sim/trace.ts";');
  refuses(rule, "src/core/replica/row.ts", 'import "node:fs";', 'import "commander";');
  refuses(rule, "src/core/drawer/a.ts", 'import "../base/heap.ts";');
  accepts(rule, "src/core/base/heap.ts", 'import "./assert.ts";');
  accepts(rule, "src/core/wire/codec.ts", 'import "../messages.ts"; import "../ring/layout.ts";');
  accepts(rule, "src/core/replica/row.ts", 'import "../storage/engine.ts"; import "../facts.ts";');
  accepts(rule, "src/core/node.ts", 'import "./repair/hints.ts"; import "./effects.ts";');
  accepts(rule, "src/core/replica/row.test.ts", 'import "../../sim/a.ts"; import "node:test";');
});

test("imports: the layers around the core", () => {
  const rule = findForbiddenImports;
  refuses(rule, "src/sim/disk.ts", 'import "../host/file-disk.ts";', 'import "node:fs";');
  refuses(rule, "src/host/host.ts", 'import "../sim/disk.ts";', 'import "commander";');
  refuses(rule, "src/host/host.ts", 'import "../client/client.ts";');
  refuses(rule, "src/socket/turn.ts", 'import "../host/host.ts";');
  refuses(rule, "src/client/client.ts", 'import "../server/server.ts";', 'import "../cli/a.ts";');
  refuses(rule, "src/index.ts", 'import "./cli/main.ts";', 'import "./sim/index.ts";');
  refuses(rule, "test/a.test.ts", 'import "#src/cli/main.ts";');
  refuses(rule, "src/host/host.ts", 'import "./loop";', 'import "./loop.js";');
  refuses(rule, "examples/a.ts", 'import "#src/index.ts";', 'import "../src/index.ts";');
  accepts(rule, "src/sim/disk.ts", 'import "../core/node.ts"; import "./trace.ts";');
  accepts(rule, "src/host/host.ts", 'import "node:net"; import "../core/node.ts";');
  accepts(rule, "src/client/client.ts", 'import "../host/host.ts"; import "../core/facts.ts";');
  accepts(
    rule,
    "src/cli/main.ts",
    'import "commander"; import "../sim/a.ts"; import "../index.ts";',
  );
  accepts(rule, "examples/a.ts", 'import "gramme"; import "gramme/sim"; import "node:fs";');
  accepts(rule, "test/a.test.ts", 'import "#src/sim/a.ts"; import "fast-check";');
});

test("shape: files are short, and tests may be long", () => {
  const lines = (count: number): string => "a;\n".repeat(count);
  refuses(shape.findLongFile, "src/host/host.ts", lines(shape.FILE_LINES_MAX + 1));
  accepts(shape.findLongFile, "src/host/host.ts", lines(shape.FILE_LINES_MAX));
  accepts(shape.findLongFile, "src/host/host.test.ts", lines(shape.FILE_LINES_MAX + 1));
});

test("shape: lines are narrow, and an address may be long", () => {
  refuses(shape.findLongLines, "src/host/host.ts", "a".repeat(101));
  refuses(shape.findLongLines, "src/host/host.ts", `${"a".repeat(101)} http://b`);
  accepts(shape.findLongLines, "src/host/host.ts", "─".repeat(100), "🂡".repeat(100));
  accepts(shape.findLongLines, "src/host/host.ts", `// https://a/${"b".repeat(100)}`);
});

test("shape: in a test, what a string holds does not count", () => {
  const line = (length: number): string => `is("${"a".repeat(length)}"); // b`;
  refuses(shape.findLongLines, "src/host/host.ts", line(100));
  accepts(shape.findLongLines, "src/host/host.test.ts", line(100));
  refuses(shape.findLongLines, "src/host/host.test.ts", `${line(9)} ${"b ".repeat(50)}`);
});

test("shape: a file says what it is before anything else", () => {
  refuses(shape.findMissingOpening, "src/host/host.ts", 'import "node:fs";\n/** Late. */', "");
  accepts(shape.findMissingOpening, "src/host/host.ts", "/**\n * Early.\n */\n", "// Early.\n");
  accepts(shape.findMissingOpening, "src/cli/main.ts", "#!/usr/bin/env node\n/** Early. */\n");
  accepts(shape.findMissingOpening, "src/host/host.test.ts", 'import "node:test";');
});

test("shape: exports have names", () => {
  refuses(shape.findDefaultExport, "src/a.ts", "export default 1;", "export { a as default };");
  accepts(
    shape.findDefaultExport,
    "src/a.ts",
    "export const a = 1; // export default",
    "a.default;",
  );
});

test("shape: files are named after a noun", () => {
  const rule = shape.findBadName;
  for (const name of ["utils", "byte-helpers", "types", "node-manager", "util.test", "common/a"]) {
    refuses(rule, `src/core/${name}.ts`, "");
  }
  refuses(rule, "src/core/keyQueue.ts", "");
  refuses(rule, "src/core/KeyQueue.ts", "");
  refuses(rule, "src/core/key_queue.ts", "");
  accepts(rule, "src/core/ring/preference-list.ts", "");
  accepts(rule, "src/core/base/crc32c.test.ts", "");
});

test("shape: nothing is left for later", () => {
  refuses(shape.findUnfinished, "src/a.ts", "// TODO: later", "/* FIXME */", "a; // XXX");
  accepts(shape.findUnfinished, "src/a.ts", 'const mark = "TODO";', "// nothing to do");
});

test("shape: no test is narrowed or skipped for good", () => {
  refuses(shape.findNarrowedTests, "src/a.test.ts", 'test.only("a", b)', 'describe.skip("a", b)');
  refuses(shape.findNarrowedTests, "test/scenarios/a.ts", 'test.todo("a")');
  accepts(shape.findNarrowedTests, "src/a.test.ts", "reader.skip(4); t.skip('no network here');");
  accepts(shape.findNarrowedTests, "src/a.test.ts", '// test.only("a")');
});

test("manifest: doors open on files", () => {
  const manifest = {
    exports: { ".": { types: "./dist/a.d.ts", default: "./dist/a.js" }, "./b": "./b.json" },
    bin: { a: "dist/cli.js" },
  };
  const files = new Set(["dist/a.d.ts", "dist/a.js", "b.json", "dist/cli.js"]);
  assert.deepEqual(
    findClosedDoors(manifest, (path) => files.has(path)),
    [],
  );
  assert.equal(findClosedDoors(manifest, () => false).length, 4);
});

test("manifest: versions are exact", () => {
  const exact = { dependencies: { a: "1.2.3" }, devDependencies: { b: "1.0.0-rc.1" } };
  assert.deepEqual(findLooseVersions(exact), []);
  for (const version of ["^1.2.3", "~1.2.3", "1.2", "*", "latest", ">=1.0.0", "file:../a"]) {
    assert.equal(findLooseVersions({ dependencies: { a: version } }).length, 1, version);
  }
});

test("manifest: what is installed runs nothing, and comes from no named host", () => {
  const lock = {
    packages: {
      "node_modules/a": { hasInstallScript: true },
      "node_modules/b": { hasInstallScript: true, dev: true },
      "node_modules/c": { resolved: "https://host/c.tgz" },
    },
  };
  assert.deepEqual(
    findInstallScripts(lock).map(({ message }) => message.split(" ")[0]),
    ["node_modules/a"],
  );
  assert.deepEqual(
    findLockedHosts(lock).map(({ message }) => message.split(" ")[0]),
    ["node_modules/c"],
  );
  assert.deepEqual(findInstallScripts({}), []);
});

test("manifest: the lock file knows the packages of every platform", () => {
  const a = { optionalDependencies: { "a-linux": "1.0.0", "a-darwin": "1.0.0" } };
  const linux = { "node_modules/a": a, "node_modules/a-linux": {} };
  const nested = { "node_modules/a/node_modules/a-darwin": {} };
  assert.equal(findMissingPlatforms({ packages: linux }).length, 1);
  assert.deepEqual(findMissingPlatforms({ packages: { ...linux, ...nested } }), []);
  assert.deepEqual(findMissingPlatforms({}), []);
});

test("links: lead somewhere", () => {
  const files = new Set(["README.md", "docs/wire.md", "docs", "docs/a b.md"]);
  const dead = (path: string, text: string): number[] =>
    findDeadLinks(path, text, (file) => files.has(file)).map(({ line }) => line);
  assert.deepEqual(dead("README.md", "[a](docs/wire.md#frames) [b](docs/) [c](#here)"), []);
  assert.deepEqual(dead("docs/wire.md", "[a](../README.md) [b](wire.md) [c](/docs)"), []);
  assert.deepEqual(dead("README.md", "[a](https://a.example/b) [b](mailto:c@d)"), []);
  assert.deepEqual(dead("README.md", "[a](<docs/a%20b.md>)"), []);
  assert.deepEqual(dead("README.md", "```\n[a](gone.md)\n```\n`[a](gone.md)`"), []);
  assert.deepEqual(dead("README.md", "a\n[b](gone.md)\n\n[c]: docs/gone.md"), [2, 4]);
  assert.deepEqual(dead("README.md", '<img src="gone.png"> <a href="docs/wire.md">'), [1]);
  assert.deepEqual(dead("docs/wire.md", "[out](../../README.md)"), [1]);
});

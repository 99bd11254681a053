/**
 * `gramme put`, `get` and `delete`: one key, one request, one answer.
 *
 * A read prints the value and nothing else. When concurrent writes left several values, it prints
 * them all, the newest first, and says on stderr how they become one again: by a put with the
 * context of that read.
 */
import type { Command } from "commander";
import type { Done } from "../client/call.ts";
import { utf8Encode } from "../core/base/utf8.ts";
import type { Operation } from "../core/requests.ts";
import { contextText, receiptDocument, valuesDocument, type ReceiptDocument } from "./answer.ts";
import { ask, withCluster } from "./cluster.ts";
import { EXIT } from "./exit-codes.ts";
import { examples } from "./flags.ts";
import { readInput } from "./input.ts";
import { print, printJson, remark } from "./output.ts";
import {
  contextFlag,
  requestFlags,
  requestOf,
  ttlFlag,
  type RequestFlags,
} from "./request-flags.ts";

interface GetFlags extends RequestFlags {
  readonly raw?: true;
}

/** What every key verb has to tell. */
interface Told {
  readonly done: Done;
  readonly receipt: ReceiptDocument;
  readonly context: string;
  readonly elapsedMs: number;
}

export function describePut(command: Command): void {
  const flagged = requestFlags(command.argument("<key>").argument("<value>", "- for stdin"));
  ttlFlag(contextFlag(flagged));
  examples(command, [
    ["gramme put greeting hello", ""],
    ["gramme put photo - < photo.jpg", "any bytes"],
    ["gramme put -m siblings cart book", "beside what others put at the same time"],
    ["gramme put cart book,pen --context TOKEN", "replace what a get --json saw"],
    ["gramme put greeting hello -w all", "wait for all owners"],
    ["gramme put session:7 alice --ttl 30m", "gone half an hour later"],
  ]);
  command.action(async (key: string, text: string, flags: RequestFlags) => {
    const value = text === "-" ? await readInput() : utf8Encode(text);
    const { receipt, context, elapsedMs } = await answerTo("put", flags, { key, value });
    if (flags.json) printJson({ key, stored: true, context, receipt, elapsedMs });
    else print(`stored, ${holders(receipt)}`);
  });
}

export function describeGet(command: Command): void {
  requestFlags(command.argument("<key>"));
  command.option("--raw", "the newest value's bytes, without a line break");
  examples(command, [
    ["gramme get greeting", ""],
    ["gramme get greeting -r all", "ask all owners"],
    ["gramme get photo --raw > photo.jpg", "any bytes"],
    ["gramme get cart --json", "with siblings, context and receipt"],
  ]);
  command.action(async (key: string, flags: GetFlags) => {
    const told = await answerTo("get", flags, { key });
    const isFound = told.done.kind === "found";
    if (!isFound) process.exitCode = EXIT.notFound;
    if (flags.json) return printJson(getDocument(key, told));
    if (!isFound) return remark("not found");
    printValues(told.done, flags.raw === true);
  });
}

export function describeDelete(command: Command): void {
  contextFlag(requestFlags(command.argument("<key>")));
  examples(command, [
    ["gramme delete greeting", ""],
    ["gramme delete cart --context TOKEN", "only what a get --json saw"],
  ]);
  command.action(async (key: string, flags: RequestFlags) => {
    const { done, receipt, context, elapsedMs } = await answerTo("delete", flags, { key });
    const existed = done.kind === "deleted" && done.existed;
    if (flags.json) printJson({ key, deleted: true, existed, context, receipt, elapsedMs });
    else print(existed ? `deleted, ${holders(receipt)}` : "nothing was there");
  });
}

async function answerTo(
  operation: Operation,
  flags: RequestFlags,
  about: { readonly key: string; readonly value?: Uint8Array },
): Promise<Told> {
  const request = requestOf(operation, flags, about);
  return withCluster(flags, async (client) => {
    const startedAt = performance.now();
    const done = await ask(client, request);
    const elapsedMs = Math.round((performance.now() - startedAt) * 1_000) / 1_000;
    const receipt = receiptDocument(done.receipt, request, client.layout());
    return { done, receipt, context: contextText(done), elapsedMs };
  });
}

function getDocument(key: string, { done, receipt, context, elapsedMs }: Told): object {
  const { encoding, values } = valuesDocument(done);
  const found = done.kind === "found";
  const value = values[0] ?? null;
  const siblings = values.length;
  return { key, found, value, values, siblings, encoding, context, receipt, elapsedMs };
}

function printValues(done: Done, isRaw: boolean): void {
  if (done.kind !== "found") return;
  const { siblings } = done;
  for (const { value } of isRaw ? siblings.slice(0, 1) : siblings) {
    process.stdout.write(value);
    if (!isRaw) process.stdout.write("\n");
  }
  if (siblings.length === 1) return;
  remark(`${siblings.length} values, written concurrently; the newest first. To make them one:`);
  remark("  gramme put KEY VALUE --context TOKEN     with the context that get --json prints");
}

function holders({ held, needed }: ReceiptDocument): string {
  return `held by ${held.join(" ")} (needed ${needed})`;
}

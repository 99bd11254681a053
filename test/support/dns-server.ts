/**
 * A name server for one test, over UDP on loopback: it knows the A and SRV records that it is told,
 * and of every other name that there is none. It can be made silent.
 *
 *     header 12 bytes │ question: labels 0 │ type u16 │ class u16 │ answers: c0 0c │ type │ …
 */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { ByteWriter } from "#src/core/base/bytes.ts";
import type { ServiceTarget } from "#src/host/service-order.ts";

const TYPE_A = 1;
const TYPE_SRV = 33;
const ANSWER = 0x8400;
const NO_SUCH_NAME = 3;
const HEADER_BYTES = 12;
/** Where the question's name is, as a pointer. */
const QUESTION_NAME = 0xc00c;

export class DnsServer {
  readonly hosts: Map<string, readonly string[]> = new Map();
  readonly services: Map<string, readonly ServiceTarget[]> = new Map();
  isSilent = false;
  askedCount = 0;
  readonly #socket: Socket = createSocket("udp4");

  static async start(): Promise<DnsServer> {
    const server = new DnsServer();
    await new Promise<void>((resolve) => {
      server.#socket.bind(0, "127.0.0.1", resolve);
    });
    server.#socket.on("message", (question, { port, address }) => {
      server.askedCount++;
      if (!server.isSilent) server.#socket.send(server.#answer(question), port, address);
    });
    return server;
  }

  /** As for `setServers`. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  close(): void {
    this.#socket.close();
  }

  #answer(question: Uint8Array): Uint8Array {
    const view = Buffer.from(question);
    const labels: string[] = [];
    let at = HEADER_BYTES;
    for (let length = view[at++]!; length > 0; length = view[at++]!) {
      labels.push(view.toString("latin1", at, at + length));
      at += length;
    }
    const type = view.readUInt16BE(at);
    const name = labels.join(".").toLowerCase();
    const isKnown = this.hosts.has(name) || this.services.has(name);
    const answers = this.#answersOf(name, type);
    const writer = new ByteWriter();
    writer.u16(view.readUInt16BE(0));
    writer.u16(ANSWER | (isKnown ? 0 : NO_SUCH_NAME));
    for (const count of [1, answers.length, 0, 0]) writer.u16(count);
    writer.raw(question.subarray(HEADER_BYTES, at + 4));
    for (const answer of answers) {
      for (const field of [QUESTION_NAME, type, 1, 0, 0, answer.length]) writer.u16(field);
      writer.raw(answer);
    }
    return writer.finish();
  }

  #answersOf(name: string, type: number): readonly Uint8Array[] {
    if (type === TYPE_A) {
      const addresses = this.hosts.get(name) ?? [];
      return addresses.map((address) => Uint8Array.from(address.split("."), Number));
    }
    return type === TYPE_SRV ? (this.services.get(name) ?? []).map(targetBytes) : [];
  }
}

function targetBytes({ priority, weight, port, name }: ServiceTarget): Uint8Array {
  const writer = new ByteWriter();
  for (const field of [priority, weight, port]) writer.u16(field);
  for (const label of name.split(".")) {
    assert.ok(label.length > 0 && label.length < 64);
    writer.u8(label.length);
    writer.raw(Buffer.from(label, "latin1"));
  }
  writer.u8(0);
  return writer.finish();
}

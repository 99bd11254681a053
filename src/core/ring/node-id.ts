/**
 * The name of a cluster member.
 *
 * A node is known by its id for as long as it lives; its address may change under it. The alphabet
 * is the part of ASCII that needs no escaping in a URL, a file name, a log line or a metric label,
 * so an id is written the same way everywhere.
 */
import { assert } from "../base/assert.ts";

export type NodeId = string & { readonly __brand: "NodeId" };

const NODE_ID_LENGTH_MAX = 64;
const NODE_ID = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * An id from our own configuration or data: a wrong one is a bug. Check what strangers send first.
 */
export function nodeId(text: string): NodeId {
  const problem = checkNodeId(text);
  assert(problem === undefined, problem ?? "");
  return text as NodeId;
}

/** What is wrong with this id, or undefined when nothing is. */
export function checkNodeId(text: string): string | undefined {
  if (text.length === 0) return `a node id needs 1 to ${NODE_ID_LENGTH_MAX} characters, got 0`;
  if (text.length > NODE_ID_LENGTH_MAX) {
    return `a node id has at most ${NODE_ID_LENGTH_MAX} characters, got ${text.length}`;
  }
  if (NODE_ID.test(text)) return undefined;
  return `a node id is made of A-Z a-z 0-9 . _ -, got ${JSON.stringify(text)}`;
}

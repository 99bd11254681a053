import assert from "node:assert/strict";
import { test } from "node:test";
import { LibraryCommits, type Piece } from "./library-engine-commits.ts";
import { newMark } from "./library-engine-totals.ts";

interface Sent {
  readonly places: string[];
  readonly keep: () => void;
  readonly lose: (error: Error) => void;
}

/** A library whose pieces are kept or lost when the test says so. */
class Stand {
  readonly sent: Sent[] = [];
  readonly said: string[] = [];
  readonly commits: LibraryCommits;

  constructor() {
    const library = {
      read: (): undefined => undefined,
      commit: (piece: Piece): Promise<void> =>
        new Promise((keep, lose) => this.sent.push({ places: [...piece.keys()], keep, lose })),
      close: (): Promise<void> => Promise.resolve(void this.said.push("library closed")),
    };
    const events = {
      completed: (token: number, answer: string): void => void this.said.push(`${token} ${answer}`),
      failed: (problem: string): void => void this.said.push(problem),
    };
    const totals = { keys: 0, bytes: 0, mark: newMark() };
    this.commits = new LibraryCommits(library, events, totals, () => 2 ** 40);
  }

  write(token: number): void {
    this.commits.put(`place ${token}`, new Uint8Array(4));
    this.commits.end(token, "durable");
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("commits: one piece is under way, and what is written meanwhile makes the next", async () => {
  const stand = new Stand();
  const { commits, sent, said } = stand;
  stand.write(1);
  stand.write(2);
  commits.flush();
  for (const token of [3, 4]) {
    stand.write(token);
    commits.flush();
  }
  assert.equal(sent.length, 1);
  sent[0]!.keep();
  await turn();
  assert.deepEqual(said, ["1 durable", "2 durable"]);
  assert.deepEqual(
    sent.map(({ places }) => places.filter((place) => place !== "\0")),
    [
      ["place 1", "place 2"],
      ["place 3", "place 4"],
    ],
  );
});

test("commits: a piece that fails is not tried again, nor is any other", async () => {
  const stand = new Stand();
  const { commits, sent, said } = stand;
  stand.write(1);
  commits.flush();
  stand.write(2);
  commits.flush();
  sent[0]!.lose(new Error("the disk is gone"));
  await turn();
  stand.write(3);
  commits.flush();
  await turn();
  assert.equal(sent.length, 1);
  assert.deepEqual(said, ["the rows could not be written: the disk is gone"]);
  commits.close(() => said.push("closed"));
  await turn();
  assert.deepEqual(said.slice(1), ["library closed", "closed"]);
});

test("commits: closing waits for what is under way and for what was never flushed", async () => {
  const stand = new Stand();
  const { commits, sent, said } = stand;
  stand.write(1);
  commits.flush();
  stand.write(2);
  commits.close(() => said.push("closed"));
  for (const piece of [0, 1]) {
    await turn();
    sent[piece]!.keep();
  }
  await turn();
  assert.deepEqual(said, ["1 durable", "2 durable", "library closed", "closed"]);
});

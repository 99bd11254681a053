/** The other end of a client's process: orders go in turn, each waits for its answer. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ownEnvironment } from "./chaos-node.ts";
import type { LoadOrder, LoadSettings, Told } from "./load-main.ts";

const PROGRAM = fileURLToPath(new URL("load-main.js", import.meta.url));

export class LoadProcess {
  readonly #child: ChildProcess;
  readonly #awaited: ((told: Told) => void)[] = [];
  #said = "";
  #ended: Told | undefined = undefined;

  static async start(namespace: string, settings: LoadSettings): Promise<LoadProcess> {
    const load = new LoadProcess(namespace, settings);
    const { problem } = await load.#next();
    if (problem !== undefined) throw new Error(problem);
    return load;
  }

  private constructor(namespace: string, settings: LoadSettings) {
    const program = [process.execPath, PROGRAM, JSON.stringify(settings)];
    this.#child = spawn("ip", ["netns", "exec", namespace, ...program], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      env: ownEnvironment(),
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.#said += text));
    this.#child.on("message", (told: Told) => this.#awaited.shift()?.(told));
    this.#child.once("exit", (code) => {
      this.#ended = { problem: `the process of a client ended with ${code}: ${this.#said}` };
      for (const answer of this.#awaited.splice(0)) answer(this.#ended);
    });
  }

  async order(order: LoadOrder): Promise<Told> {
    const told = this.#next();
    // When the channel is closed, the end of the process has answered already, or will.
    this.#child.send(order, () => {});
    const answer = await told;
    if (answer.problem !== undefined) throw new Error(answer.problem);
    return answer;
  }

  destroy(): void {
    this.#child.kill("SIGKILL");
  }

  #next(): Promise<Told> {
    if (this.#ended !== undefined) return Promise.resolve(this.#ended);
    return new Promise((resolve) => {
      this.#awaited.push(resolve);
    });
  }
}

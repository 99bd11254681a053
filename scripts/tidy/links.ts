/**
 * Links from one page of the repository to another must lead somewhere. Links to the world are not
 * followed: a check that needs the network fails for reasons that are not ours.
 */
import type { Finding } from "./finding.ts";
import { lineOf } from "./source-text.ts";

export function findDeadLinks(
  path: string,
  text: string,
  exists: (path: string) => boolean,
): Finding[] {
  const prose = text.replace(/^(```|~~~)[^]*?^\1|`[^`\n]+`/gm, (code) =>
    code.replace(/[^\n]/g, " "),
  );
  const links = /\]\(\s*<?([^)\s>]+)|\b(?:href|src)="([^"]+)"|^\[[^\]]+\]:\s*(\S+)/gm;
  return [...prose.matchAll(links)].flatMap((match) => {
    const target = match[1] ?? match[2] ?? match[3] ?? "";
    if (/^([a-z][a-z0-9+.-]*:|#)/i.test(target)) return [];
    const file = resolve(path, decodeURIComponent(target.replace(/[?#].*$/, "")));
    if (file !== undefined && exists(file)) return [];
    return [{ path, line: lineOf(text, match.index), message: `"${target}" leads nowhere` }];
  });
}

function resolve(from: string, target: string): string | undefined {
  const parts = target.startsWith("/") ? [] : from.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.length === 0 ? "." : parts.join("/");
}

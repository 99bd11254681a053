/**
 * The version of this package, as its manifest says: one place to change it. The manifest lies two
 * folders above the compiled file, in the repository and in an installed package alike.
 */
import { readFileSync } from "node:fs";

export const VERSION: string = readVersion();

function readVersion(): string {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { readonly version: string };
  return version;
}

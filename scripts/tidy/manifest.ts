/**
 * What package.json and the lock file promise to whoever installs the package: every door opens on
 * a file that the build has made, versions are exact, and nothing that comes along runs code by
 * being installed.
 */
import type { Finding } from "./finding.ts";

export interface Manifest {
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Lock {
  readonly packages?: Readonly<Record<string, LockedPackage>>;
}

interface LockedPackage {
  readonly dev?: boolean;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export function findClosedDoors(manifest: Manifest, exists: (path: string) => boolean): Finding[] {
  const doors = [
    ...Object.entries(manifest.exports ?? {}).flatMap(([door, target]) =>
      typeof target === "string"
        ? [{ door, target }]
        : Object.values(target).map((path) => ({ door, target: path })),
    ),
    ...Object.entries(manifest.bin ?? {}).map(([door, target]) => ({ door, target })),
  ];
  return doors
    .filter(({ target }) => !exists(target.replace(/^\.\//, "")))
    .map(({ door, target }) => about("package.json", `"${door}" opens on ${target}: no such file`));
}

export function findLooseVersions(manifest: Manifest): Finding[] {
  const all = {
    ...manifest.dependencies,
    ...manifest.devDependencies,
    ...manifest.optionalDependencies,
  };
  return Object.entries(all)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    .map(([name, version]) => about("package.json", `${name}: "${version}" is not one version`));
}

export function findInstallScripts(lock: Lock): Finding[] {
  return Object.entries(lock.packages ?? {})
    .filter(([, entry]) => entry.hasInstallScript === true && entry.dev !== true)
    .map(([path]) => about("package-lock.json", `${path} would run a script when installed`));
}

export function findLockedHosts(lock: Lock): Finding[] {
  return Object.entries(lock.packages ?? {})
    .filter(([, entry]) => entry.resolved !== undefined)
    .map(([path]) => about("package-lock.json", `${path} is tied to a host: drop "resolved"`));
}

/** An install from a registry that lacks a platform leaves it out, and `npm ci` then refuses. */
export function findMissingPlatforms(lock: Lock): Finding[] {
  const packages = lock.packages ?? {};
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .map((name) => `node_modules/${name}`)
      .filter((place) => !(place in packages) && !(`${path}/${place}` in packages))
      .map((place) => about("package-lock.json", `${path} needs ${place}, which has no entry`)),
  );
}

function about(path: string, message: string): Finding {
  return { path, line: 1, message };
}

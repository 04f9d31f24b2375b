// Checks package-lock.json: the origins, install scripts and licences of packages. Pure.

import { type Exceptions } from './exceptions.ts';
import { isAllowedLicence } from './licence.ts';

/** The part of package-lock.json (version 3) that this reads: path (`node_modules/a/node_modules/b`) → package. */
export type Lock = Readonly<Record<string, LockedPackage>>;

export interface LockedPackage {
  /** Set if it differs from the name in the path: an alias. */
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly inBundle?: boolean;
  /** Whether it is a link to the folder in `resolved`. */
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const EXACT_VERSION = /^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/;
const HASH = /^sha512-[A-Za-z0-9+/]{86}==( |$)/;

/** Each package is a version from a registry with the hash that it had when it was added, or a folder of the project. */
export function checkOrigins(lock: Lock, { withoutIntegrity }: Exceptions): string[] {
  const excepted = new Set(withoutIntegrity.flatMap(({ packages }) => packages));
  const seen = new Set<string>();
  const problems = packagesOf(lock).flatMap(({ label, version, resolved, integrity, inBundle }) => {
    if (!EXACT_VERSION.test(version ?? '') || resolved !== undefined)
      return [`${label}: not a version from a registry, but ${resolved ?? version ?? 'a folder'}`];
    if (inBundle === true || HASH.test(integrity ?? '')) return [];
    seen.add(label);
    return excepted.has(label) ? [] : [`${label}: no SHA-512 in package-lock.json`];
  });
  return [...problems, ...unused(excepted, seen, 'withoutIntegrity')];
}

/** package.json names exactly the packages with install scripts. */
export function checkScripts(lock: Lock, allowScripts: Readonly<Record<string, boolean>>): string[] {
  const withScripts = packagesOf(lock).filter(({ hasInstallScript }) => hasInstallScript === true);
  const names = new Set(withScripts.map(({ name }) => name));
  const unnamed = withScripts.filter(({ name }) => !Object.hasOwn(allowScripts, name));
  const stale = Object.keys(allowScripts).filter((name) => !names.has(name));
  return [
    ...unnamed.map(
      ({ label }) => `${label}: has an install script, but is not in allowScripts of package.json`,
    ),
    ...stale.map((name) => `${name}: is in allowScripts of package.json, but has no install script`),
  ];
}

/** Each package has a licence that is allowed for its use: in production, or in development only. */
export function checkLicences(lock: Lock, { licences }: Exceptions): string[] {
  const production = new Set(licences.production);
  const development = new Set([...licences.production, ...licences.development]);
  const undeclared = new Map(licences.undeclared.map((one) => [one.package, one.licence]));
  const seen = new Set<string>();
  const problems = packagesOf(lock).flatMap(({ label, license: declared, dev: isDev }) => {
    if (declared === undefined) seen.add(label);
    const licence = declared ?? undeclared.get(label);
    if (licence === undefined) return [`${label}: declares no licence`];
    if (isAllowedLicence(licence, isDev === true ? development : production)) return [];
    return [
      `${label}: licence ${licence} is not allowed in ${isDev === true ? 'development' : 'production'}`,
    ];
  });
  return [...problems, ...unused(undeclared.keys(), seen, 'licences.undeclared')];
}

/** All packages except the project itself and its folders. The name is that in the registry, the label is `name@version`. */
function packagesOf(lock: Lock): (LockedPackage & { readonly name: string; readonly label: string })[] {
  return Object.entries(lock)
    .filter(([path, { link, resolved }]) => !isOwn(link === true ? (resolved ?? path) : path))
    .map(([path, entry]) => {
      const name = entry.name ?? path.replace(/^.*node_modules\//, '');
      return { ...entry, name, label: `${name}@${entry.version ?? ''}` };
    });
}

/** Whether a path, relative to the root of the project, is in its repository. */
function isOwn(path: string): boolean {
  return !/^(?:\.\.\/|\/|\w+:)|(?:^|\/)node_modules\//.test(path);
}

function unused(excepted: Iterable<string>, seen: ReadonlySet<string>, list: string): string[] {
  return [...excepted]
    .filter((label) => !seen.has(label))
    .map((label) => `${label}: an unused exception in ${list}`);
}

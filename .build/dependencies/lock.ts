// Judges package-lock.json: licences, install scripts, and where each package may come from. Nothing is fetched or read here.

import { type Exceptions } from './exceptions.ts';
import { isAllowedLicence } from './licence.ts';

/** What of package-lock.json (version 3) is looked at: path (`node_modules/a/node_modules/b`) → package. */
export type Lock = Readonly<Record<string, LockedPackage>>;

export interface LockedPackage {
  /** Where it is not that of the path: an alias. */
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly inBundle?: boolean;
  /** Whether it is a folder, which `resolved` names. */
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const EXACT_VERSION = /^\d+\.\d+\.\d+(-[\w.-]+)?(\+[\w.-]+)?$/;
const HASH = /^sha512-[A-Za-z0-9+/]{86}==( |$)/;

/** Each package comes from a registry, at one version, with the hash of what it was when it was added, or is a folder of the project. */
export function judgeOrigins(lock: Lock, { withoutIntegrity }: Exceptions): string[] {
  const excepted = new Set(withoutIntegrity.flatMap(({ packages }) => packages));
  const seen = new Set<string>();
  const problems = packagesOf(lock).flatMap(({ label, version, resolved, integrity, inBundle }) => {
    if (!EXACT_VERSION.test(version ?? '') || resolved !== undefined)
      return [`${label}: not a version of a registry, but ${resolved ?? version ?? 'a folder'}`];
    if (inBundle === true || HASH.test(integrity ?? '')) return [];
    seen.add(label);
    return excepted.has(label) ? [] : [`${label}: no SHA-512 in package-lock.json`];
  });
  return [...problems, ...unused(excepted, seen, 'withoutIntegrity')];
}

/** Scripts that run at installation are those that package.json names, and it names no others. */
export function judgeScripts(lock: Lock, allowScripts: Readonly<Record<string, boolean>>): string[] {
  const withScripts = packagesOf(lock).filter(({ hasInstallScript }) => hasInstallScript === true);
  const names = new Set(withScripts.map(({ name }) => name));
  const unnamed = withScripts.filter(({ name }) => !Object.hasOwn(allowScripts, name));
  const stale = Object.keys(allowScripts).filter((name) => !names.has(name));
  return [
    ...unnamed.map(
      ({ label }) => `${label}: has an install script of which allowScripts in package.json says nothing`,
    ),
    ...stale.map((name) => `${name}: stands in allowScripts of package.json, and has no install script`),
  ];
}

/** Each package has a licence that is allowed where it is used. */
export function judgeLicences(lock: Lock, { licences }: Exceptions): string[] {
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

/** All but the project itself, and its folders. The name is that of the registry, the label is `name@version`. */
function packagesOf(lock: Lock): (LockedPackage & { readonly name: string; readonly label: string })[] {
  return Object.entries(lock)
    .filter(([path, { link, resolved }]) => !isOwn(link === true ? (resolved ?? path) : path))
    .map(([path, entry]) => {
      const name = entry.name ?? path.replace(/^.*node_modules\//, '');
      return { ...entry, name, label: `${name}@${entry.version ?? ''}` };
    });
}

/** Whether a path, from the root of the project, is in its repository. */
function isOwn(path: string): boolean {
  return !/^(?:\.\.\/|\/|\w+:)|(?:^|\/)node_modules\//.test(path);
}

function unused(excepted: Iterable<string>, seen: ReadonlySet<string>, list: string): string[] {
  return [...excepted]
    .filter((label) => !seen.has(label))
    .map((label) => `${label}: an exception that nothing needs any more, in ${list}`);
}

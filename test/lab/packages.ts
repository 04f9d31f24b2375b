// The programs that the lab needs from the system, each with the package that provides it.

import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Program → Debian package. A path is checked as it is, anything else on the PATH and in the administrator's folders. */
const needs = {
  runc: 'runc',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ip: 'iproute2',
  nsenter: 'util-linux',
  openssl: 'openssl',
  '/usr/lib/cni/bridge': 'containernetworking-plugins',
  '/usr/lib/cni/portmap': 'containernetworking-plugins',
} as const;

const systemFolders = ['/usr/sbin', '/sbin', '/usr/local/sbin'];

/** Installs missing packages if it can: as root, on a system with apt. */
export async function requirePackages(log: (line: string) => void): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      'The cluster of the lab needs root, for namespaces, a bridge and containers: run this as root.',
    );
  }
  const missing = await missingPackages();
  if (missing.length === 0) return;
  const install = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if ((await findProgram('apt-get')) === undefined)
    throw new Error(`These are missing: ${missing.join(', ')} (Debian: ${install})`);
  log(install);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('sh', ['-c', `apt-get update -qq && ${install} -qq`], { env, maxBuffer: 50_000_000 }).catch(
    (cause: unknown) => {
      throw new Error(`These could not be installed: ${install}`, { cause });
    },
  );
}

export async function findProgram(name: string): Promise<string | undefined> {
  if (name.startsWith('/')) return (await exists(name)) ? name : undefined;
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...systemFolders]) {
    if (await exists(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

async function missingPackages(): Promise<string[]> {
  const missing = new Set<string>();
  for (const [program, name] of Object.entries(needs)) {
    if ((await findProgram(program)) === undefined) missing.add(name);
  }
  return [...missing];
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

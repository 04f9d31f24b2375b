// The network of a lab cluster: a network namespace, which a process holds and which ends with it, and a veth pair between it and the host, so that
// tests reach pods directly, and pods reach servers of a test.
//
//   host 10.77.0.254 ── millrace-lab ═ uplink ── bridge 10.77.0.1: API server, kubelet, DNS ── cni0: pods 10.77.1.x

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { join } from 'node:path';
import { readFile, readlink } from 'node:fs/promises';
import { isSame, ourselves, type Started } from './leftovers.ts';
import { until } from '../scaler/fixtures/until.ts';
import { startProcess } from './process.ts';

const run = promisify(execFile);

export const addresses = {
  all: '10.77.0.0/16',
  node: '10.77.0.1',
  /** The address of the host: servers of a test listen here for pods. */
  host: '10.77.0.254',
  pods: '10.77.1.0/24',
  services: '10.77.2.0/24',
  dns: '10.77.2.10',
} as const;

const hostDevice = 'millrace-lab';

export type LabNetwork = {
  /** A command prefix that runs a program in the namespace. */
  prefix: readonly string[];
  stop(): Promise<void>;
};

export async function startNetwork(dir: string): Promise<LabNetwork> {
  await requireFreeRange();
  const holder = startProcess('network', ['unshare', '--net', 'sleep', 'infinity'], join(dir, 'network.log'));
  const prefix = ['nsenter', `--net=/proc/${holder.pid}/ns/net`, '--'];
  try {
    await until(async () => (await networkOf(holder.pid)) !== (await networkOf(process.pid)));
    const ip = (line: string) => run('ip', line.split(' '));
    await ip(`link add ${hostDevice} type veth peer name uplink netns ${holder.pid}`);
    // Marks the owner: the kernel may keep a namespace, and with it this end, for minutes after its last process.
    await run('ip', ['link', 'set', hostDevice, 'alias', JSON.stringify(ourselves())]);
    await ip(`addr add ${addresses.host}/24 dev ${hostDevice}`);
    await ip(`link set ${hostDevice} up`);
    await ip(`route add ${addresses.all} via ${addresses.node} dev ${hostDevice}`);
    const inside = [
      'ip link set lo up',
      'ip link add lab0 type bridge',
      `ip addr add ${addresses.node}/24 dev lab0`,
      'ip link set uplink master lab0',
      'ip link set uplink up',
      'ip link set lab0 up',
      `ip route add default via ${addresses.host} dev lab0`,
      'sysctl -qw net.ipv4.ip_forward=1',
    ];
    const [command = '', ...args] = prefix;
    await run(command, [...args, 'sh', '-ec', inside.join('\n')]);
  } catch (error) {
    await removeDevice();
    await holder.stop(0);
    throw error;
  }
  const stop = async (): Promise<void> => {
    await removeDevice();
    await holder.stop(0);
  };
  return { prefix, stop };
}

async function requireFreeRange(): Promise<void> {
  const owner = await readFile(`/sys/class/net/${hostDevice}/ifalias`, 'utf8').catch(() => undefined);
  if (owner !== undefined && !(owner.trim() !== '' && isSame(JSON.parse(owner) as Started)))
    await removeDevice();
  const { stdout } = await run('ip', ['-4', 'route', 'show', 'root', addresses.all]);
  const taken = stdout.trim().split('\n')[0];
  if (taken)
    throw new Error(`${addresses.all} is in use here (${taken.trim()}): another lab may be running.`);
}

async function removeDevice(): Promise<void> {
  await run('ip', ['link', 'del', hostDevice]).catch(() => undefined); // it may have gone with its namespace
}

function networkOf(pid: number): Promise<string> {
  return readlink(`/proc/${pid}/ns/net`);
}

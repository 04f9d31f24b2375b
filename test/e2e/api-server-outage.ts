// An outage of the API server for every client: new and existing connections to it are reset.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { readFile } from 'node:fs/promises';
import type { TestCluster } from '../fixtures/kubernetes/cluster.ts';

const run = promisify(execFile);

type Teardown = { teardown(end: () => Promise<unknown>): unknown };

/** Starts the outage. The returned function, or the teardown, ends it. */
export async function startApiServerOutage(t: Teardown, cluster: TestCluster): Promise<() => Promise<void>> {
  const port = /https:\/\/[^"]+:(\d+)/.exec(await readFile(cluster.kubeconfig, 'utf8'))?.[1] ?? '';
  const rule = ['INPUT', '-p', 'tcp', '--dport', port, '-j', 'REJECT', '--reject-with', 'tcp-reset'];
  const iptables = async (operation: string): Promise<void> => {
    const [command = '', ...args] = cluster.prefix;
    await run(command, [...args, 'iptables', '--wait', operation, ...rule]);
  };
  await iptables('--insert');
  let isBack = false;
  const recover = async (): Promise<void> => {
    if (isBack) return;
    isBack = true;
    await iptables('--delete');
  };
  t.teardown(recover);
  return recover;
}

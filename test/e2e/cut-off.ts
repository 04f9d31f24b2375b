// The API server goes away for everybody: connections to it are reset, those that stand as well.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { readFile } from 'node:fs/promises';
import type { TestCluster } from '../fixtures/kubernetes/cluster.ts';

const run = promisify(execFile);

type Teardown = { teardown(end: () => Promise<unknown>): unknown };

/** The returned function lets it come back, as teardown does. */
export async function cutOffApiServer(t: Teardown, cluster: TestCluster): Promise<() => Promise<void>> {
  const port = /https:\/\/[^"]+:(\d+)/.exec(await readFile(cluster.kubeconfig, 'utf8'))?.[1] ?? '';
  const rule = ['INPUT', '-p', 'tcp', '--dport', port, '-j', 'REJECT', '--reject-with', 'tcp-reset'];
  const iptables = async (operation: string): Promise<void> => {
    const [command = '', ...args] = cluster.prefix;
    await run(command, [...args, 'iptables', '--wait', operation, ...rule]);
  };
  await iptables('--insert');
  let isBack = false;
  const comeBack = async (): Promise<void> => {
    if (isBack) return;
    isBack = true;
    await iptables('--delete');
  };
  t.teardown(comeBack);
  return comeBack;
}

// Gateway and scaler as in pods, though there is no node: what the image runs, with the settings of the image, the token of a ServiceAccount and
// the CA in files, and the address of the API server in the environment. Each is a process of its own, whose costs can be read.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { findFreePorts } from '../../cli/kafka/free-ports.ts';
import type { ApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { startComponent, type Component } from './component.ts';

export interface Pod {
  /** CPU time of the process so far. */
  cpuMs(): Promise<number>;
  residentMiB(): Promise<number>;
  /** How many requests to the API server it has sent, by its own metric; watches and Leases excluded. */
  requests(): Promise<number>;
  stop(): Promise<void>;
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
}

/** Needs dist/. The files of the ServiceAccount, which may do everything, go into `folder`. */
export async function startPods(
  server: ApiServer,
  folder: string,
  brokers: string,
): Promise<Record<Component, Pod>> {
  const [grpcPort = 0] = await findFreePorts(1);
  const shared = {
    ...(await logInAs('millrace-bench', server, join(folder, 'serviceaccount'))),
    KAFKA_BROKERS: brokers,
    MILLRACE_KUBERNETES: 'true',
    MILLRACE_TENANT_ADDRESSES: 'unguarded',
    MILLRACE_METRICS_ACCESS: 'anybody',
    POD_NAMESPACE: 'default',
    LOG_LEVEL: 'error',
  };
  const scaler = await startPod('scaler', /SCALER_URL=(\S+)/, {
    ...shared,
    SCALER_SERVICE: `localhost:${grpcPort}`,
    SCALER_GRPC_PORT: String(grpcPort),
    SCALER_HTTP_PORT: '0',
  });
  try {
    const gateway = await startPod('gateway', /ADMIN_URL=(\S+)/, { ...shared, MILLRACE_ADMIN_PORT: '0' });
    return { gateway, scaler };
  } catch (error) {
    await scaler.stop();
    throw error;
  }
}

/** Returns the variables with which a process logs in as this new ServiceAccount. */
async function logInAs(
  account: string,
  { kubectl, kubeconfig }: ApiServer,
  folder: string,
): Promise<Record<string, string>> {
  const [{ cluster }] = (parse(await readFile(kubeconfig, 'utf8')) as Kubeconfig).clusters;
  await kubectl(['create', 'serviceaccount', account, '-n', 'default']);
  const rights = ['--clusterrole=cluster-admin', `--serviceaccount=default:${account}`];
  await kubectl(['create', 'clusterrolebinding', account, ...rights]);
  await mkdir(folder);
  const token = await kubectl(['create', 'token', account, '-n', 'default', '--duration=8h']);
  await writeFile(join(folder, 'token'), token);
  await writeFile(join(folder, 'ca.crt'), Buffer.from(cluster['certificate-authority-data'], 'base64'));
  const { hostname, port } = new URL(cluster.server);
  return {
    KUBERNETES_SERVICE_HOST: hostname,
    KUBERNETES_SERVICE_PORT: port,
    SERVICE_ACCOUNT_DIR: folder,
  };
}

async function startPod(
  component: Component,
  listens: RegExp,
  env: Readonly<Record<string, string>>,
): Promise<Pod> {
  const started = await startComponent(component, listens, env);
  const [, url = ''] = started.ready;
  return {
    ...started,
    async requests() {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return countRequests(metrics);
    },
  };
}

function countRequests(metrics: string): number {
  const counted = /^millrace_(?:scaler_)?kubernetes_requests_total\{(.*)\} (\d+)$/gm;
  return [...metrics.matchAll(counted)]
    .filter(([, labels = '']) => !labels.includes('verb="watch"') && !labels.includes('resource="leases"'))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}

// A Kubernetes control plane: etcd, API server, controller manager and scheduler, ready for requests. Without a node, on 127.0.0.1, it is enough
// for clients that watch and write resources. In a network namespace it is that of a cluster.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findFreePorts } from '../../cli/kafka/free-ports.ts';
import { until } from '../scaler/fixtures/until.ts';
import { auditArguments } from './audit.ts';
import { writeCertificates, writeKubeconfig, type ClientName } from './certificates.ts';
import { labPrefix } from './leftovers.ts';
import { startProcess, type LabProcess } from './process.ts';
import { toolPath } from './tools.ts';

const run = promisify(execFile);
const readyLimitMs = 120_000;

export type ControlPlaneOptions = {
  /** The address of the API server. Default: 127.0.0.1. */
  address?: string;
  /** A command prefix for each program, to run it in a namespace. */
  prefix?: readonly string[];
  /** Default: a new folder. `stop` removes it. */
  dir?: string;
  serviceRange?: string;
  /** The folder for the recorded writes. Default: that of the test run. */
  auditDir?: string | undefined;
};

export type ControlPlane = {
  readonly dir: string;
  readonly certificateDir: string;
  /** The kubeconfig of the administrator. */
  readonly kubeconfig: string;
  kubeconfigOf(client: ClientName): Promise<string>;
  /** Kills the API server, as a crash would. The stored resources stay. */
  stopApiServer(): Promise<void>;
  /** Starts the API server again. Resolves when it answers. */
  startApiServer(): Promise<void>;
  /** Ends everything and removes the folder. */
  stop(): Promise<void>;
};

/** Resolves when the default ServiceAccount exists: from then on pods can be created. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const { address = '127.0.0.1', prefix = [], serviceRange = '10.96.0.0/16' } = options;
  const { auditDir = process.env.MILLRACE_TEST_OUTPUTS } = options;
  const hyperkube = await toolPath('hyperkube');
  const kubectl = await toolPath('kubectl');
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), labPrefix)));
  const certificateDir = join(dir, 'certificates');
  await mkdir(certificateDir);
  const [apiPort = 0, etcdPort = 0, peerPort = 0, managerPort = 0, schedulerPort = 0] =
    await findFreePorts(5);
  const firstService = serviceRange.replace(/\.0\/\d+$/, '.1');
  await writeCertificates(certificateDir, ['127.0.0.1', address, firstService]);

  const kubeconfigOf = async (client: ClientName): Promise<string> => {
    const path = join(dir, `${client}.kubeconfig`);
    await writeKubeconfig(certificateDir, path, client, `https://${address}:${apiPort}`);
    return path;
  };
  const kubeconfig = await kubeconfigOf('admin');
  const running = new Map<string, LabProcess>();
  const start = (name: string, args: readonly string[]): LabProcess => {
    const started = startProcess(name, [...prefix, hyperkube, name, ...args], join(dir, `${name}.log`));
    running.set(name, started);
    return started;
  };
  const answers = (...args: string[]) => run(kubectl, ['--kubeconfig', kubeconfig, ...args]);
  const serve = async (): Promise<void> => {
    const server = start('kube-apiserver', [
      ...apiServerArguments({
        certificateDir,
        address,
        apiPort,
        etcdPort,
        serviceRange,
        isAlone: prefix.length === 0,
      }),
      ...(auditDir === undefined ? [] : await auditArguments(dir, auditDir)),
    ]);
    await untilReady(server, () => answers('get', '--raw', '/readyz'));
  };
  const stop = async (): Promise<void> => {
    for (const process of [...running.values()].toReversed()) await process.stop(5_000);
    await rm(dir, { recursive: true, force: true });
  };

  try {
    start('etcd', etcdArguments(join(dir, 'etcd'), etcdPort, peerPort));
    await serve();
    const manager = start(
      'kube-controller-manager',
      controllerManagerArguments(certificateDir, await kubeconfigOf('kube-controller-manager'), managerPort),
    );
    start('kube-scheduler', schedulerArguments(await kubeconfigOf('kube-scheduler'), schedulerPort));
    await untilReady(manager, () => answers('get', 'serviceaccount', 'default'));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    dir,
    certificateDir,
    kubeconfig,
    kubeconfigOf,
    stopApiServer: async () => running.get('kube-apiserver')?.stop(0),
    startApiServer: serve,
    stop,
  };
}

/** Fails early when a program has ended, because it will not become ready. Its last lines say why. */
async function untilReady(process: LabProcess, check: () => Promise<unknown>): Promise<void> {
  const ready = until(() => check().then(() => true), readyLimitMs);
  const ended = process.exited.then(async () => {
    throw new Error(`${process.name} ended. Its last lines:\n${await process.lastLines()}`);
  });
  ended.catch(() => undefined);
  await Promise.race([ready, ended]).catch(async (error: unknown) => {
    ready.catch(() => undefined);
    if (!process.isRunning()) throw error;
    throw new Error(`${process.name} is not ready. Its last lines:\n${await process.lastLines()}`, {
      cause: error,
    });
  });
}

function etcdArguments(dataDir: string, port: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    `--data-dir=${dataDir}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

type ApiServerOptions = {
  certificateDir: string;
  address: string;
  apiPort: number;
  etcdPort: number;
  serviceRange: string;
  /** Without a node, because EndpointSlices refuse the address 127.0.0.1. */
  isAlone: boolean;
};

function apiServerArguments(options: ApiServerOptions): string[] {
  const file = (name: string): string => join(options.certificateDir, name);
  return [
    `--etcd-servers=http://127.0.0.1:${options.etcdPort}`,
    `--bind-address=${options.address}`,
    `--advertise-address=${options.address}`,
    `--secure-port=${options.apiPort}`,
    `--endpoint-reconciler-type=${options.isAlone ? 'none' : 'lease'}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    '--authorization-mode=Node,RBAC',
    `--service-account-key-file=${file('sa.pub')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-cluster-ip-range=${options.serviceRange}`,
    `--kubelet-client-certificate=${file('kubelet-client.crt')}`,
    `--kubelet-client-key=${file('kubelet-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--requestheader-client-ca-file=${file('front-proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${file('front-proxy-client.crt')}`,
    `--proxy-client-key-file=${file('front-proxy-client.key')}`,
    '--allow-privileged=true',
    '--profiling=false',
  ];
}

/** The autoscaler syncs every 2 s and scales down after 5, so that tests do not wait for the long defaults of Kubernetes. */
function controllerManagerArguments(certificateDir: string, kubeconfig: string, port: number): string[] {
  const file = (name: string): string => join(certificateDir, name);
  return [
    ...clientArguments(kubeconfig, port),
    '--use-service-account-credentials=true',
    `--service-account-private-key-file=${file('sa.key')}`,
    `--root-ca-file=${file('ca.crt')}`,
    `--cluster-signing-cert-file=${file('ca.crt')}`,
    `--cluster-signing-key-file=${file('ca.key')}`,
    '--controllers=*,-nodeipam',
    // Its own limits are those of a cluster with other users: the deletion of a test's namespace would take tens of seconds.
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    '--horizontal-pod-autoscaler-sync-period=2s',
    '--horizontal-pod-autoscaler-downscale-stabilization=5s',
  ];
}

function schedulerArguments(kubeconfig: string, port: number): string[] {
  return clientArguments(kubeconfig, port);
}

function clientArguments(kubeconfig: string, port: number): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--leader-elect=false',
  ];
}

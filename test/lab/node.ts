// A real node: containerd, kubelet and kube-proxy in namespaces of their own, so that their mounts and processes end with them.

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../scaler/fixtures/until.ts';
import type { ControlPlane } from './control-plane.ts';
import { addresses } from './network.ts';
import { findProgram } from './packages.ts';
import { startProcess } from './process.ts';
import { toolPath } from './tools.ts';

const run = promisify(execFile);
const readyLimitMs = 120_000;

export type LabNode = {
  /** Imports an image into containerd, from the archive of `writeImage`. */
  load(archive: string): Promise<void>;
  stop(): Promise<void>;
};

export async function startNode(plane: ControlPlane, prefix: readonly string[]): Promise<LabNode> {
  const dir = join(plane.dir, 'node');
  for (const name of ['containerd', 'run', 'kubelet', 'cni', 'podlogs'])
    await mkdir(join(dir, name), { recursive: true });
  const ctr = await toolPath('ctr');
  const socket = join(dir, 'run', 'containerd.sock');
  await writeConfigs(dir, plane);
  const script = join(dir, 'start.sh');
  await writeFile(script, await startScript(dir, plane));
  const isolate = ['unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const log = join(plane.dir, 'node.log');
  const node = startProcess('node', [...prefix, ...isolate, 'bash', script], log);
  const load = async (archive: string): Promise<void> => {
    await run(ctr, ['-a', socket, '-n', 'k8s.io', 'images', 'import', '--local', archive]);
  };
  const stop = async (): Promise<void> => {
    await node.stop(0);
    await removeGroups();
  };
  try {
    await until(() => run(ctr, ['-a', socket, 'version']).then(() => true), readyLimitMs);
  } catch (error) {
    await stop();
    throw new Error(`containerd does not start:\n${await node.lastLines()}`, { cause: error });
  }
  return { load, stop };
}

/** Resolves when pods can be scheduled on it. */
export async function untilNodeReady(kubectl: (args: readonly string[]) => Promise<string>): Promise<void> {
  await until(async () => {
    const conditions = await kubectl([
      'get',
      'node',
      'node',
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
    ]);
    return conditions === 'True';
  }, readyLimitMs);
}

async function startScript(dir: string, plane: ControlPlane): Promise<string> {
  const containerd = await toolPath('containerd');
  await toolPath('containerd-shim-runc-v2');
  const hyperkube = await toolPath('hyperkube');
  const nodeConfig = await plane.kubeconfigOf('node');
  // Whatever they write outside of the folder of the lab stays in this mount namespace. Layers cannot be on an overlay.
  return `
mount --make-rshared /
for folder in /run/netns /run/containerd /var/lib/cni /opt/containerd /opt/cni /var/lib/kubelet /var/log/pods /var/log/containers; do
  mkdir -p $folder && mount -t tmpfs tmpfs $folder
done
[ "$(stat -f -c %T ${dir}/containerd)" = overlayfs ] && mount -t tmpfs tmpfs ${dir}/containerd
sysctl -qw net.bridge.bridge-nf-call-iptables=1
export PATH=${dirname(containerd)}:/usr/sbin:/sbin:$PATH
${containerd} -c ${dir}/containerd.toml >${plane.dir}/containerd.log 2>&1 &
until [ -S ${dir}/run/containerd.sock ]; do sleep 0.1; done
${hyperkube} kube-proxy --config ${dir}/kube-proxy.json >${plane.dir}/kube-proxy.log 2>&1 &
${hyperkube} kubelet --config ${dir}/kubelet.json --kubeconfig ${nodeConfig} --root-dir ${dir}/kubelet \\
  --hostname-override node --node-ip ${addresses.node} --v=2 >${plane.dir}/kubelet.log 2>&1 &
wait -n
tail -n 15 ${plane.dir}/containerd.log ${plane.dir}/kubelet.log ${plane.dir}/kube-proxy.log
exit 1
`;
}

async function writeConfigs(dir: string, plane: ControlPlane): Promise<void> {
  const json = (name: string, value: unknown) => writeFile(join(dir, name), JSON.stringify(value, null, 2));
  await json('cni/10-bridge.conflist', bridgeConfig(dir));
  await json('kubelet.json', kubeletConfig(dir, plane.certificateDir));
  await json('kube-proxy.json', proxyConfig(plane.kubeconfig));
  await writeFile(join(dir, 'containerd.toml'), containerdConfig(dir, (await findProgram('runc')) ?? 'runc'));
}

function bridgeConfig(dir: string): unknown {
  const ipam = {
    type: 'host-local',
    dataDir: join(dir, 'ipam'),
    ranges: [[{ subnet: addresses.pods }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: true, hairpinMode: true, ipam };
  return {
    cniVersion: '1.0.0',
    name: 'lab',
    plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }],
  };
}

function kubeletConfig(dir: string, certificateDir: string): unknown {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    enforceNodeAllocatable: [],
    failSwapOn: false,
    address: addresses.node,
    healthzBindAddress: '127.0.0.1',
    containerRuntimeEndpoint: `unix://${join(dir, 'run', 'containerd.sock')}`,
    authentication: {
      anonymous: { enabled: false },
      x509: { clientCAFile: join(certificateDir, 'ca.crt') },
      webhook: { enabled: true },
    },
    authorization: { mode: 'Webhook' },
    clusterDomain: 'cluster.local',
    clusterDNS: [addresses.dns],
    resolvConf: '/etc/resolv.conf',
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '100Mi' },
    imageGCHighThresholdPercent: 100,
    podLogsDir: join(dir, 'podlogs'),
    nodeStatusUpdateFrequency: '5s',
    syncFrequency: '10s',
  };
}

function proxyConfig(kubeconfig: string): unknown {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clientConnection: { kubeconfig },
    clusterCIDR: addresses.pods,
    bindAddress: addresses.node,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    nodePortAddresses: [`${addresses.node}/32`],
    hostnameOverride: 'node',
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}

function containerdConfig(dir: string, runc: string): string {
  return `version = 3
root = "${dir}/containerd"
state = "${dir}/run/containerd"
[grpc]
  address = "${dir}/run/containerd.sock"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "localhost/pause:1"
[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "${dir}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
      BinaryName = "${runc}"
`;
}

/** Removes the control groups of the pods, which outlive the kubelet and are empty now. */
export async function removeGroups(): Promise<void> {
  const remove =
    'find /sys/fs/cgroup/kubepods /sys/fs/cgroup/*/kubepods -depth -type d -exec rmdir {} + 2>/dev/null; true';
  for (let tries = 0; tries < 3; tries += 1) await run('sh', ['-c', remove]);
}

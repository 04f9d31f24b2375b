// The DNS of the cluster: CoreDNS beside the pods, at the address that the kubelet gives them.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from './control-plane.ts';
import { addresses } from './network.ts';
import { startProcess, type LabProcess } from './process.ts';
import { toolPath } from './tools.ts';

type Kubectl = (args: readonly string[], input?: string) => Promise<string>;

export async function startDns(
  plane: ControlPlane,
  prefix: readonly string[],
  kubectl: Kubectl,
): Promise<LabProcess> {
  const config = join(plane.dir, 'Corefile');
  await writeFile(
    config,
    `.:53 {
  bind ${addresses.node}
  errors
  kubernetes cluster.local 10.in-addr.arpa {
    kubeconfig ${plane.kubeconfig}
    ttl 2
  }
  cache 2
  template ANY ANY . {
    rcode NXDOMAIN
  }
}
`,
  );
  const dns = startProcess(
    'coredns',
    [...prefix, await toolPath('coredns'), '-conf', config],
    join(plane.dir, 'coredns.log'),
  );
  await kubectl(
    ['apply', '--server-side', '-f', '-'],
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: resources }),
  );
  return dns;
}

const metadata = { name: 'kube-dns', namespace: 'kube-system' };
const ports = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
];
const resources = [
  { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: addresses.dns, ports } },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kube-dns' } },
    addressType: 'IPv4',
    ports,
    endpoints: [{ addresses: [addresses.node], conditions: { ready: true } }],
  },
];

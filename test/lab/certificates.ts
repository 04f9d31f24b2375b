// The keys of a cluster: its own CAs, and certificates for servers and clients.

import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, type Authority, type KeyPair, type Leaf } from '../fixtures/access/authority.ts';

/** Client certificates: the identity of each component at the API server. */
const clients = {
  admin: '/O=system:masters/CN=admin',
  'kubelet-client': '/O=system:masters/CN=kube-apiserver-kubelet-client',
  'kube-controller-manager': '/CN=system:kube-controller-manager',
  'kube-scheduler': '/CN=system:kube-scheduler',
  node: '/O=system:nodes/CN=system:node:node',
} as const;

export type ClientName = keyof typeof clients;

/** Writes `NAME.crt` and `NAME.key` for all of them, and `sa.key` and `sa.pub`, into the folder. */
export async function writeCertificates(dir: string, addresses: readonly string[]): Promise<void> {
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const serving = [...names.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP:${address}`)];
  const [ca, frontProxy] = await Promise.all([
    createAuthority('/CN=lab'),
    createAuthority('/CN=lab-front-proxy'),
  ]);
  const issue = async (name: string, signer: Authority, leaf: Leaf): Promise<void> =>
    writePair(dir, name, await signer.issue(leaf));
  await Promise.all([
    writePair(dir, 'ca', ca),
    writePair(dir, 'front-proxy-ca', frontProxy),
    writeSigningKey(dir),
    issue('apiserver', ca, { subject: '/CN=kube-apiserver', names: serving }),
    issue('front-proxy-client', frontProxy, { subject: '/CN=front-proxy-client' }),
    ...Object.entries(clients).map(([name, subject]) => issue(name, ca, { subject })),
  ]);
}

/** The key pair that signs the tokens of ServiceAccounts. */
async function writeSigningKey(dir: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await Promise.all([
    writeFile(join(dir, 'sa.key'), privateKey.export({ type: 'sec1', format: 'pem' })),
    writeFile(join(dir, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' })),
  ]);
}

/** A self-contained kubeconfig. */
export async function writeKubeconfig(
  dir: string,
  path: string,
  client: ClientName,
  server: string,
): Promise<void> {
  const base64 = async (name: string): Promise<string> =>
    (await readFile(join(dir, name))).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': await base64('ca.crt') } }],
    users: [
      {
        name: client,
        user: {
          'client-certificate-data': await base64(`${client}.crt`),
          'client-key-data': await base64(`${client}.key`),
        },
      },
    ],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: client } }],
    'current-context': 'lab',
  };
  await writeFile(path, JSON.stringify(config, null, 2), { mode: 0o600 });
}

async function writePair(dir: string, name: string, { certificate, key }: KeyPair): Promise<void> {
  await Promise.all([
    writeFile(join(dir, `${name}.crt`), certificate),
    writeFile(join(dir, `${name}.key`), key),
  ]);
}

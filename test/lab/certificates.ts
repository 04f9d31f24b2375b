// The keys of a cluster: its own authorities, and a certificate for whoever serves or calls.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Client certificates: who is what to the API server. */
const clients = {
  admin: '/O=system:masters/CN=admin',
  'kubelet-client': '/O=system:masters/CN=kube-apiserver-kubelet-client',
  'kube-controller-manager': '/CN=system:kube-controller-manager',
  'kube-scheduler': '/CN=system:kube-scheduler',
  node: '/O=system:nodes/CN=system:node:node',
} as const;

export type ClientName = keyof typeof clients;

/** Writes `NAME.crt` and `NAME.key` for all of them, and `sa.key`, `sa.pub`, into the folder. */
export async function writeCertificates(dir: string, addresses: readonly string[]): Promise<void> {
  const names = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const serving = [...names.map((name) => `DNS:${name}`), ...addresses.map((address) => `IP:${address}`)];
  await Promise.all([
    authority(dir, 'ca', '/CN=lab'),
    authority(dir, 'front-proxy-ca', '/CN=lab-front-proxy'),
    run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', join(dir, 'sa.key')]),
  ]);
  await Promise.all([
    run('openssl', ['ec', '-in', join(dir, 'sa.key'), '-pubout', '-out', join(dir, 'sa.pub')]),
    certificate(dir, 'apiserver', 'ca', '/CN=kube-apiserver', serving.join(',')),
    certificate(dir, 'front-proxy-client', 'front-proxy-ca', '/CN=front-proxy-client'),
    ...Object.entries(clients).map(([name, subject]) => certificate(dir, name, 'ca', subject)),
  ]);
}

/** A kubeconfig with everything in it. */
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

async function authority(dir: string, name: string, subject: string): Promise<void> {
  const out = ['-keyout', join(dir, `${name}.key`), '-out', join(dir, `${name}.crt`)];
  await run('openssl', ['req', '-x509', ...newKey, ...out, '-days', '30', '-subj', subject]);
}

async function certificate(
  dir: string,
  name: string,
  signer: string,
  subject: string,
  alternatives?: string,
): Promise<void> {
  const file = (end: string): string => join(dir, `${name}.${end}`);
  const extensions = [
    'extendedKeyUsage=serverAuth,clientAuth',
    ...(alternatives === undefined ? [] : [`subjectAltName=${alternatives}`]),
  ];
  await writeFile(file('ext'), `${extensions.join('\n')}\n`);
  await run('openssl', [
    'req',
    '-new',
    ...newKey,
    '-keyout',
    file('key'),
    '-out',
    file('csr'),
    '-subj',
    subject,
  ]);
  const authorityFiles = ['-CA', join(dir, `${signer}.crt`), '-CAkey', join(dir, `${signer}.key`)];
  const serial = ['-set_serial', `0x${crypto.randomUUID().replaceAll('-', '').slice(0, 30)}`];
  const request = ['x509', '-req', '-in', file('csr'), ...authorityFiles, ...serial, '-days', '30'];
  await run('openssl', [...request, '-extfile', file('ext'), '-out', file('crt')]);
}

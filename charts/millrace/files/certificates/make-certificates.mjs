// Makes the certificates of gateway, scaler and KEDA in the cluster, and keeps those that are still right. The chart runs it in a Job, because what
// `helm template` makes is different each time.
//
// CERTIFICATES lists sets: { labels, ca: {namespace, name}, secrets: [{namespace, name, dnsNames, usages}] }. All certificates of a set are of one
// CA, which goes into the ConfigMap `ca`. Its key is not kept, so a set is made as a whole. OWNER_ROLE is the Role with which it all is deleted, in
// each of the namespaces.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createAuthority, issueCertificate } from './x509.mjs';

const days = 3650;
/** A certificate that is valid for less is made anew. */
const renewDays = 60;
const timeoutMs = 30_000;

const {
  CERTIFICATES,
  OWNER_ROLE,
  KUBERNETES_SERVICE_HOST: host,
  KUBERNETES_SERVICE_PORT: port,
  SERVICE_ACCOUNT_DIR: account = '/var/run/secrets/kubernetes.io/serviceaccount',
} = process.env;

for (const set of JSON.parse(CERTIFICATES)) await provide(set);

/** Reads again what it wrote, until it is right: the Job of the last version may still be at it. */
async function provide({ labels, ca, secrets }) {
  for (let attempt = 1; ; attempt++) {
    const found = await Promise.all(secrets.map(({ namespace, name }) => get(secretPath(namespace, name))));
    const contents = found.map(contentOf);
    const reason = whyWrong(secrets, contents);
    const places = secrets.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
    console.log(reason === undefined ? `right: ${places}` : `made anew, because ${reason}: ${places}`);
    if (reason !== undefined && attempt === 5) throw new Error('somebody else keeps changing these Secrets');
    await write({ labels, ca, secrets, contents: reason === undefined ? contents : create(ca.name, secrets) });
    if (reason === undefined) return;
  }
}

/** What is right is written too, for its owner and labels. */
async function write({ labels, ca, secrets, contents }) {
  for (const [index, { namespace, name }] of secrets.entries()) {
    const texts = Object.entries(contents[index]);
    const data = Object.fromEntries(texts.map(([key, text]) => [key, Buffer.from(text).toString('base64')]));
    const metadata = await metadataOf(namespace, name, labels);
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', data };
    await apply(secretPath(namespace, name), secret);
  }
  const metadata = await metadataOf(ca.namespace, ca.name, labels);
  const data = { 'ca.crt': contents[0]['ca.crt'] };
  await apply(configMapPath(ca.namespace, ca.name), { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
}

function create(name, secrets) {
  const authority = createAuthority(name.slice(0, 64), days);
  return secrets.map((secret) => {
    const { certificate, key } = issueCertificate(authority, { ...secret, days });
    return { 'ca.crt': authority.certificate, 'tls.crt': certificate, 'tls.key': key };
  });
}

function contentOf(secret) {
  const text = (key) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString();
  return { 'ca.crt': text('ca.crt'), 'tls.crt': text('tls.crt'), 'tls.key': text('tls.key') };
}

/** Undefined if all certificates are right. */
function whyWrong(secrets, contents) {
  if (contents.some((content) => Object.values(content).includes(''))) return 'a part is not there';
  if (new Set(contents.map((content) => content['ca.crt'])).size > 1) return 'the Secrets are of different CAs';
  for (const [index, { dnsNames }] of secrets.entries()) {
    try {
      const [ca, certificate] = ['ca.crt', 'tls.crt'].map((key) => new X509Certificate(contents[index][key]));
      const isIssued = certificate.checkIssued(ca) && certificate.verify(ca.publicKey);
      if (!isIssued || !certificate.checkPrivateKey(createPrivateKey(contents[index]['tls.key'])))
        return 'CA, certificate and key do not belong together';
      const missing = dnsNames.find((name) => certificate.checkHost(name) === undefined);
      if (missing !== undefined) return `a certificate is not for ${missing}`;
      if (certificate.validToDate.getTime() - Date.now() < renewDays * 86_400_000)
        return `a certificate is valid only until ${certificate.validTo}`;
    } catch (error) {
      return `a certificate cannot be read (${error.message})`;
    }
  }
  return undefined;
}

async function metadataOf(namespace, name, labels) {
  const metadata = { name, namespace, labels };
  if (!OWNER_ROLE) return metadata;
  const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles/${OWNER_ROLE}`;
  const role = await get(path);
  if (role === undefined) throw new Error(`the Role ${namespace}/${OWNER_ROLE} is not there`);
  const owner = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', name: OWNER_ROLE };
  return { ...metadata, ownerReferences: [{ ...owner, uid: role.metadata.uid }] };
}

function secretPath(namespace, name) {
  return `/api/v1/namespaces/${namespace}/secrets/${name}`;
}

function configMapPath(namespace, name) {
  return `/api/v1/namespaces/${namespace}/configmaps/${name}`;
}

async function get(path) {
  const { status, text } = await call('GET', path);
  if (status === 404) return undefined;
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${messageOf(text)}`);
  return JSON.parse(text);
}

/** An apply, because the right to create something by name is checked only if the name is in the URL. */
async function apply(path, resource) {
  const url = `${path}?fieldManager=millrace-certificates&force=true`;
  const { status, text } = await call('PATCH', url, JSON.stringify(resource));
  if (status !== 200 && status !== 201) throw new Error(`PATCH ${path}: ${status} ${messageOf(text)}`);
}

function messageOf(text) {
  try {
    return JSON.parse(text).message;
  } catch {
    return '(no answer of an API server)';
  }
}

function call(method, path, body) {
  const read = (name) => readFileSync(`${account}/${name}`, 'utf8');
  const headers = {
    authorization: `Bearer ${read('token').trim()}`,
    accept: 'application/json',
    ...(body === undefined ? {} : { 'content-type': 'application/apply-patch+yaml' }),
  };
  const options = { host, port, path, method, headers, ca: read('ca.crt'), timeout: timeoutMs };
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more) => (text += more));
      response.once('end', () => resolve({ status: response.statusCode, text }));
      response.once('error', reject);
    });
    sent.once('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sent.once('error', reject).end(body);
  });
}

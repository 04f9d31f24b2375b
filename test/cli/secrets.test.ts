// Credentials where they do not belong, or beside a mistake: the command reports what is wrong, and does not print them.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { mark, planted } from '../fixtures/secrets/planted.ts';
import { runCli } from './fixtures/run-cli.ts';

t.setTimeout(200_000);

const secret = planted('a');
const address = `user:${secret}@host`;
const kubeconfig = (proxy: string): string =>
  JSON.stringify({
    clusters: [{ name: 'a', cluster: { server: 'https://host', 'proxy-url': proxy } }],
    users: [{ name: 'a', user: { token: secret } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    'current-context': 'a',
  });
const clusterManifest = (authentication: string): string =>
  `apiVersion: millrace.dev/v1alpha1\nkind: KafkaCluster\nmetadata: { name: a }\nspec:\n  bootstrapServers: a:1\n  authentication: ${authentication}\n`;
const secretManifest = (value: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: a }\nstringData:\n  password: ${value}\n`;

/** A manifest → the expected report. */
const manifests: readonly (readonly [content: string, expected: RegExp])[] = [
  [secretManifest(`*${secret}`), /Unresolved alias/],
  [secretManifest(`!${secret}! a`), /Unknown tag/],
  [secretManifest(`"a" ${secret}`), /Unexpected scalar/],
  [secretManifest(`"${secret}`), /Missing closing/],
  [secretManifest(`|${secret}`), /extra characters/],
  [secretManifest(`"\\x${secret}"`), /Invalid escape sequence/],
  [secretManifest(`a: ${secret}`), /Nested mappings/],
  [clusterManifest(`{ type: plain, username: a, password: ${secret} }`), /password: must be a mapping/],
  [
    clusterManifest(`{ type: oauthbearer, tokenEndpoint: "https://${address}/token" }`),
    /tokenEndpoint: must be .* is "\*\*\*@host/,
  ],
];

t.test('mistakes in manifests', async (t) => {
  const folder = t.testdir();
  const files = manifests.map((_, index) => join(folder, `${index}.yaml`));
  await Promise.all(files.map((file, index) => writeFile(file, manifests[index]?.[0] ?? '')));
  const { code, stderr } = await runCli(t, ['validate', ...files]);
  t.equal(code, 1);
  t.notOk(stderr.includes(mark));
  const lines = stderr.replaceAll(mark, '…').split('\n');
  for (const [index, [, expected]] of manifests.entries())
    t.match(lines.filter((line) => line.startsWith(files[index] ?? '')).join('\n'), expected);
});

type Case = {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Of a file that is the last argument, or the kubeconfig. */
  readonly content?: string;
  readonly expected: RegExp;
};

const gateway = (env: Readonly<Record<string, string>>, expected: RegExp): Case => ({
  args: ['gateway', '--triggers', 'none'],
  env: { KAFKA_BROKERS: 'kafka:9092', ...env },
  expected,
});
const inKubernetes = (content: string, expected: RegExp): Case => ({
  args: ['gateway', '--kubernetes'],
  env: { KAFKA_BROKERS: 'kafka:9092' },
  content,
  expected,
});

const cases: Readonly<Record<string, Case>> = {
  'brokers with a password': gateway(
    { KAFKA_BROKERS: `${address}:9092` },
    /KAFKA_BROKERS is "\*{3}@host:9092"/,
  ),
  'a scaler with a password': gateway({ SCALER_URLS: `http://${address}` }, /SCALER_URLS is "\*{3}@host"/),
  'an admin token with a blank': gateway(
    { MILLRACE_ADMIN_TOKEN: `a ${secret}` },
    /MILLRACE_ADMIN_TOKEN is "\*{3}", expected /,
  ),
  'brokers of the scaler': {
    args: ['scaler'],
    env: { KAFKA_BROKERS: `${address}:9092` },
    expected: /KAFKA_BROKERS is "\*{3}@host:9092"/,
  },
  'a gateway with a password': {
    args: ['skip', 'a', '--partition', '0', '--offset', '0', '--gateway', `http://${address}`],
    expected: /\*{3}@host is no address: write an http.* URL without a user/,
  },
  'an address to check': { args: ['check', `http://${address}`], expected: /\*{3}@host cannot be checked/ },
  'a kubeconfig that is no YAML': inKubernetes(
    `users:\n- name: a\n  user:\n    token: ${secret}: b\n`,
    /cannot read the kubeconfig .*: it is no YAML from line 4 on/,
  ),
  'a kubeconfig with an odd proxy': inKubernetes(kubeconfig(`socks5://${address}`), /proxy \*{3}@host/),
  'properties of a client': {
    args: ['send', 'topic', '--config'],
    content: `security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=a.b required password="${secret};\nssl.key.pasword=${secret}\n`,
    expected: /ssl\.key\.pasword/,
  },
};

for (const [name, { args, env, content, expected }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    const file = join(t.testdir(), 'file');
    await writeFile(file, content ?? '');
    const all = args.at(-1) === '--config' ? [...args, file] : args;
    const { code, stdout, stderr } = await runCli(t, all, { env: { KUBECONFIG: file, ...env } });
    t.equal(code, 2);
    const text = stdout + stderr;
    t.notOk(text.includes(mark));
    t.match(text.replaceAll(mark, '…'), expected);
  });
}

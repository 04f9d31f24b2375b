// Credentials where they do not belong, or beside a mistake: the command tells what is wrong, and not them.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { mark, planted } from '../fixtures/planted.ts';
import { runCli } from './fixtures/run-cli.ts';

t.setTimeout(120_000);

const secret = planted('a');
const address = `user:${secret}@host`;
const kubeconfig = (proxy: string): string =>
  JSON.stringify({
    clusters: [{ name: 'a', cluster: { server: 'https://host', 'proxy-url': proxy } }],
    users: [{ name: 'a', user: { token: secret } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    'current-context': 'a',
  });
const secretManifest = (value: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata: { name: a }\nstringData:\n  password: ${value}\n`;

/** Of `told`, what is told on standard error or standard output; `file` is a file with `content`. */
type Case = {
  readonly args: (file: string) => readonly string[];
  readonly env?: (file: string) => Readonly<Record<string, string>>;
  readonly content?: string;
  readonly told: RegExp;
};

const validate = (content: string, told: RegExp): Case => ({
  args: (file) => ['validate', file],
  content,
  told,
});
const gateway = (env: Readonly<Record<string, string>>, told: RegExp): Case => ({
  args: (file) => ['gateway', '--triggers', file],
  env: () => ({ KAFKA_BROKERS: 'kafka:9092', ...env }),
  told,
});
const inKubernetes = (content: string, told: RegExp): Case => ({
  args: () => ['gateway', '--kubernetes'],
  env: (file) => ({ KAFKA_BROKERS: 'kafka:9092', KUBECONFIG: file }),
  content,
  told,
});

const cases: Readonly<Record<string, Case>> = {
  'an alias in a Secret': validate(secretManifest(`*${secret}`), /Unresolved alias/),
  'text after quotes': validate(secretManifest(`"a" ${secret}`), /cannot be read as YAML/),
  'quotes without an end': validate(secretManifest(`"${secret}`), /cannot be read as YAML/),
  'a block that begins on its first line': validate(secretManifest(`|${secret}`), /extra characters/),
  'an escape that there is not': validate(secretManifest(`"\\x${secret}"`), /Invalid escape sequence/),
  'a mapping in a line': validate(secretManifest(`a: ${secret}`), /Nested mappings/),
  'a flow that goes on': validate(secretManifest(`{ a: b } ${secret}`), /cannot be read as YAML/),
  'a password instead of a reference': validate(
    `apiVersion: millrace.dev/v1alpha1\nkind: KafkaCluster\nmetadata: { name: a }\nspec:\n  bootstrapServers: a:1\n  authentication: { type: plain, username: a, password: ${secret} }\n`,
    /authentication\.password: must be a mapping/,
  ),
  'a token endpoint with a password': validate(
    `apiVersion: millrace.dev/v1alpha1\nkind: KafkaCluster\nmetadata: { name: a }\nspec:\n  bootstrapServers: a:1\n  authentication: { type: oauthbearer, tokenEndpoint: "https://${address}/token" }\n`,
    /authentication\.tokenEndpoint: must be/,
  ),
  'brokers with a password': gateway(
    { KAFKA_BROKERS: `${address}:9092` },
    /KAFKA_BROKERS is "\*\*\*@host:9092"/,
  ),
  'a scaler with a password': gateway({ SCALER_URLS: `http://${address}` }, /SCALER_URLS is "\*\*\*@host"/),
  'an admin token with a blank': gateway(
    { MILLRACE_ADMIN_TOKEN: `a ${secret}` },
    /MILLRACE_ADMIN_TOKEN has to/,
  ),
  'brokers of the scaler': {
    args: () => ['scaler'],
    env: () => ({ KAFKA_BROKERS: `${address}:9092` }),
    told: /KAFKA_BROKERS is '\*\*\*@host:9092'/,
  },
  'a gateway with a password': {
    args: () => ['skip', 'a', '--partition', '0', '--offset', '0', '--gateway', `http://${address}`],
    told: /\*\*\*@host is no http.* address without a user/,
  },
  'an address to check': {
    args: () => ['check', `http://${address}`],
    told: /\*\*\*@host is no address/,
  },
  'a kubeconfig that is no YAML': inKubernetes(
    `users:\n- name: a\n  user:\n    token: ${secret}: b\n`,
    /cannot read the kubeconfig .*: it is no YAML from line 4 on/,
  ),
  'a kubeconfig with an odd proxy': inKubernetes(kubeconfig(`socks5://${address}`), /proxy \*\*\*@host/),
  'properties of a client': {
    args: (file) => ['send', 'topic', '--config', file],
    content: `security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=a.b required password="${secret};\nssl.key.pasword=${secret}\n`,
    told: /ssl\.key\.pasword/,
  },
};

for (const [name, { args, env, content = '', told }] of Object.entries(cases)) {
  t.test(name, async (t) => {
    const file = join(t.testdir(), 'a.yaml');
    await writeFile(file, content);
    const { code, stdout, stderr } = await runCli(t, args(file), { env: { KUBECONFIG: '', ...env?.(file) } });
    t.equal(code, 1);
    const text = `${stdout}${stderr}`.replaceAll(mark, '<SECRET>');
    t.match(text, told);
    t.notMatch(text, '<SECRET>');
  });
}

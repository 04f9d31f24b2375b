import t from 'tap';
import { readSettings, type Settings } from '../../../core/process/settings.ts';
import {
  sharedKubernetesConfigOf,
  kubernetesSettings,
  sharedConfigOf,
  sharedSettings,
} from '../../../core/process/shared-settings.ts';

const required = { KAFKA_BROKERS: 'a:1', MILLRACE_TRIGGERS: '/triggers' };
const read = (env: Record<string, string>) => readSettings(sharedSettings, env, sharedConfigOf);

t.test('brokers and triggers are required', async (t) => {
  t.strictSame(read(required), {
    kafkaBrokers: ['a:1'],
    kafkaConfigPath: undefined,
    triggersPath: '/triggers',
    logLevel: 'info',
  });
  t.throws(() => read({}), {
    message:
      'KAFKA_BROKERS is "", expected host:port, separated by commas; ' +
      'MILLRACE_TRIGGERS is "", expected a file or a folder (or --triggers, or MILLRACE_KUBERNETES=true)',
  });
});

t.test(
  'properties of a client may name the brokers, and Kubernetes the triggers, but nothing else then',
  async (t) => {
    t.match(read({ KAFKA_CONFIG: '/kafka', MILLRACE_KUBERNETES: 'true' }), {
      kafkaBrokers: undefined,
      kafkaConfigPath: '/kafka',
      triggersPath: undefined,
    });
    t.throws(() => read({ ...required, MILLRACE_KUBERNETES: 'true' }), {
      message: 'MILLRACE_TRIGGERS is "/triggers", expected nothing, as MILLRACE_KUBERNETES is true',
    });
  },
);

t.test('in a cluster or not', async (t) => {
  for (const [text, expected, wrong] of [
    [undefined, false, false],
    ['', false, false],
    ['false', false, false],
    ['true', true, false],
    ['yes', false, true],
  ] as const) {
    const isInKubernetes = () =>
      readSettings(sharedSettings, { MILLRACE_KUBERNETES: text }, (values) => values.MILLRACE_KUBERNETES);
    if (wrong) t.throws(isInKubernetes, { message: 'MILLRACE_KUBERNETES is "yes", expected true or false' });
    else t.equal(isInKubernetes(), expected);
  }
});

t.test('log levels are known by name, in any case', async (t) => {
  t.equal(sharedSettings.LOG_LEVEL.parse('WARN'), 'warn');
  t.equal(sharedSettings.LOG_LEVEL.parse('loud'), undefined);
});

t.test('Kubernetes, by default and with everything given', async (t) => {
  const kubernetes = (env: Record<string, string>) =>
    readSettings(kubernetesSettings, env, sharedKubernetesConfigOf);
  t.strictSame(kubernetes({}), {
    kubeconfig: undefined,
    namespaces: undefined,
    functionUris: 'refused',
    tenantAddresses: 'guarded',
    apiServerHost: undefined,
    apiServerPort: undefined,
    serviceAccountPath: undefined,
    podNamespace: undefined,
  });
  t.match(kubernetes({ KUBECONFIG: '/a:/b', WATCH_NAMESPACES: 'geo, shop,' }), {
    kubeconfig: '/a:/b',
    namespaces: ['geo', 'shop'],
  });
  for (const wrong of ['Shop', 'geo,-a', ',', 'a'.repeat(64)])
    t.throws(() => kubernetes({ WATCH_NAMESPACES: wrong }), { message: /^WATCH_NAMESPACES is/ }, wrong);
});

t.test('every default is a value', async (t) => {
  for (const [name, { default: fallback, parse }] of Object.entries<Settings[string]>(sharedSettings))
    if (fallback !== undefined) t.not(parse(fallback), undefined, name);
});

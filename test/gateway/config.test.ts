import t from 'tap';
import { gatewaySettings, readGatewayConfig } from '../../gateway/config.ts';
import { MillraceError } from '../../core/contract/errors.ts';
import { planted } from '../fixtures/secrets/planted.ts';

const required = { KAFKA_BROKERS: 'kafka:9092', MILLRACE_TRIGGERS: '/triggers' };

const access = {
  token: undefined,
  tokenReviews: false,
  oidc: undefined,
  trustsLoopback: true,
  metricsAccess: 'scrape',
};

t.test('two settings are required, the others have defaults', async (t) => {
  const config = readGatewayConfig(required);
  t.strictSame(config, {
    kafkaBrokers: ['kafka:9092'],
    kafkaConfigPath: undefined,
    triggersPath: '/triggers',
    groupProtocol: 'auto',
    rackId: undefined,
    kubernetes: undefined,
    adminHost: '127.0.0.1',
    adminPort: 9464,
    adminTls: undefined,
    access,
    scalerUrls: [],
    scalerCaPath: undefined,
    scalerTokenPath: undefined,
    drainLimitMs: 25_000,
    maxRecordsPerTrigger: 10_000,
    maxBytesPerTrigger: 32 * 2 ** 20,
    maxRecords: 200_000,
    maxBytes: 256 * 2 ** 20,
    logLevel: 'info',
  });
  t.ok(Object.isFrozen(config));
  const empty = Object.fromEntries(Object.keys(gatewaySettings).map((name) => [name, ' ']));
  t.strictSame(readGatewayConfig({ ...empty, ...required }), config, 'an empty variable counts as absent');
});

t.test('a file of client properties may name the brokers', async (t) => {
  const { KAFKA_BROKERS: _, ...others } = required;
  t.match(readGatewayConfig({ ...others, KAFKA_CONFIG: 'c' }), {
    kafkaBrokers: undefined,
    kafkaConfigPath: 'c',
  });
  t.throws(
    () => readGatewayConfig({ ...others, KAFKA_CONFIG: 'c', KAFKA_BROKERS: 'kafka' }),
    /KAFKA_BROKERS/,
  );
});

t.test('each setting is read', async (t) => {
  const adminToken = planted('admin');
  const config = readGatewayConfig({
    KAFKA_BROKERS: ' a:9092, [::1]:9093 ',
    KAFKA_CONFIG: 'client.properties',
    KAFKA_GROUP_PROTOCOL: 'Classic',
    KAFKA_CLIENT_RACK: 'eu-1a',
    MILLRACE_TRIGGERS: 'triggers.yaml',
    MILLRACE_ADMIN_HOST: '0.0.0.0',
    MILLRACE_ADMIN_PORT: '0',
    MILLRACE_ADMIN_TOKEN: ` ${adminToken} `,
    MILLRACE_ADMIN_TLS_CERT: '/tls.crt',
    MILLRACE_ADMIN_TLS_KEY: '/tls.key',
    MILLRACE_METRICS_ACCESS: 'anybody',
    SCALER_CA: '/ca.crt',
    SCALER_TOKEN_FILE: '/token',
    SCALER_URLS: 'http://scaler:9090, https://other',
    MILLRACE_DRAIN_LIMIT: 'PT1M',
    MILLRACE_MAX_RECORDS_PER_TRIGGER: '1',
    MILLRACE_MAX_BYTES_PER_TRIGGER: '1Ki',
    MILLRACE_MAX_RECORDS: '2',
    MILLRACE_MAX_BYTES: '2Gi',
    LOG_LEVEL: 'debug',
    PATH: '/bin',
  });
  t.strictSame(config, {
    kafkaBrokers: ['a:9092', '[::1]:9093'],
    kafkaConfigPath: 'client.properties',
    triggersPath: 'triggers.yaml',
    groupProtocol: 'classic',
    rackId: 'eu-1a',
    kubernetes: undefined,
    adminHost: '0.0.0.0',
    adminPort: 0,
    adminTls: { certPath: '/tls.crt', keyPath: '/tls.key' },
    access: { ...access, token: adminToken, metricsAccess: 'anybody' },
    scalerUrls: ['http://scaler:9090', 'https://other'],
    scalerCaPath: '/ca.crt',
    scalerTokenPath: '/token',
    drainLimitMs: 60_000,
    maxRecordsPerTrigger: 1,
    maxBytesPerTrigger: 1024,
    maxRecords: 2,
    maxBytes: 2 * 2 ** 30,
    logLevel: 'debug',
  });
});

t.test(
  'on Kubernetes no manifests are read, and the gateways share the triggers where they know each other',
  async (t) => {
    const kubernetesOf = (env: Record<string, string>) =>
      readGatewayConfig({ KAFKA_BROKERS: 'kafka:9092', MILLRACE_KUBERNETES: 'true', ...env }).kubernetes;
    t.strictSame(kubernetesOf({}), {
      kubeconfig: undefined,
      namespaces: undefined,
      functionUris: 'refused',
      tenantAddresses: 'guarded',
      apiServerHost: undefined,
      apiServerPort: undefined,
      serviceAccountPath: undefined,
      podNamespace: undefined,
      sharing: undefined,
    });
    t.strictSame(
      kubernetesOf({
        KUBECONFIG: '/a:/b',
        WATCH_NAMESPACES: 'geo, shop',
        MILLRACE_FUNCTION_URIS: 'guarded',
        MILLRACE_TENANT_ADDRESSES: 'unguarded',
        KUBERNETES_SERVICE_HOST: '10.96.0.1',
        KUBERNETES_SERVICE_PORT: '6443',
        SERVICE_ACCOUNT_DIR: '/account',
        GATEWAY_SERVICE: 'millrace-gateway',
        POD_NAME: 'millrace-gateway-1',
        POD_NAMESPACE: 'millrace',
        MILLRACE_REPLICAS_PER_TRIGGER: '3',
      }),
      {
        kubeconfig: '/a:/b',
        namespaces: ['geo', 'shop'],
        functionUris: 'guarded',
        tenantAddresses: 'unguarded',
        apiServerHost: '10.96.0.1',
        apiServerPort: 6443,
        serviceAccountPath: '/account',
        podNamespace: 'millrace',
        sharing: {
          service: 'millrace-gateway',
          namespace: 'millrace',
          self: 'millrace-gateway-1',
          replicas: 3,
        },
      },
    );
    const names = { GATEWAY_SERVICE: 'gateways', POD_NAME: 'one', POD_NAMESPACE: 'here' };
    for (const name of Object.keys(names))
      t.equal(kubernetesOf({ ...names, [name]: '' })?.sharing, undefined);
    t.throws(() => readGatewayConfig({ ...required, MILLRACE_KUBERNETES: 'true' }), {
      message: 'MILLRACE_TRIGGERS is "/triggers", expected nothing, as MILLRACE_KUBERNETES is true',
    });
  },
);

t.test('who may come in a cluster is asked of its API server; a certificate goes with its key', async (t) => {
  const { access } = readGatewayConfig({ KAFKA_BROKERS: 'kafka:9092', MILLRACE_KUBERNETES: 'true' });
  t.match(access, { tokenReviews: true, trustsLoopback: false });
  const names = ['MILLRACE_ADMIN_TLS_CERT', 'MILLRACE_ADMIN_TLS_KEY'] as const;
  for (const [given, missing] of [names, names.toReversed()])
    t.throws(() => readGatewayConfig({ ...required, [given as string]: '/a' }), {
      message: `${missing} is "", expected a file, as ${given} has one`,
    });
});

t.test('every mistake is told at once', async (t) => {
  const wrong = {
    KAFKA_BROKERS: 'kafka',
    MILLRACE_ADMIN_PORT: '65536',
    MILLRACE_KUBERNETES: 'yes',
    WATCH_NAMESPACES: 'geo,Shop',
    MILLRACE_FUNCTION_URIS: 'true',
    MILLRACE_REPLICAS_PER_TRIGGER: '0',
    SCALER_URLS: 'scaler:9090',
    MILLRACE_DRAIN_LIMIT: '25s',
    MILLRACE_MAX_RECORDS_PER_TRIGGER: '0',
    MILLRACE_MAX_BYTES_PER_TRIGGER: 'much',
    MILLRACE_MAX_RECORDS: '-1',
    MILLRACE_MAX_BYTES: '1.5.2',
    LOG_LEVEL: 'loud',
  };
  try {
    readGatewayConfig(wrong);
    t.fail('it is refused');
  } catch (error) {
    t.type(error, MillraceError);
    t.match(error, { code: 'MILLRACE_CONFIG_INVALID' });
    const { message } = error as Error;
    for (const [name, value] of Object.entries(wrong)) t.match(message, `${name} is "${value}", expected `);
    t.match(message, 'MILLRACE_TRIGGERS is ""');
  }
});

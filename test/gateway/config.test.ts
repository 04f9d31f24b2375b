import t from 'tap';
import { gatewaySettings, parseGatewayConfig } from '../../gateway/config.ts';
import { MillraceError } from '../../gateway/contract/errors.ts';

const required = { KAFKA_BROKERS: 'kafka:9092', MILLRACE_TRIGGERS: '/triggers' };

t.test('two settings are required, the others have defaults', async (t) => {
  const config = parseGatewayConfig(required);
  t.strictSame(config, {
    kafkaBrokers: ['kafka:9092'],
    triggersPath: '/triggers',
    adminHost: '127.0.0.1',
    adminPort: 9464,
    scalerUrls: [],
    drainLimitMs: 25_000,
    maxRecordsPerTrigger: 10_000,
    maxBytesPerTrigger: 32 * 2 ** 20,
    maxRecords: 200_000,
    maxBytes: 256 * 2 ** 20,
    adminToken: undefined,
    logLevel: 'info',
  });
  t.ok(Object.isFrozen(config));
  const empty = Object.fromEntries(Object.keys(gatewaySettings).map((name) => [name, ' ']));
  t.strictSame(parseGatewayConfig({ ...empty, ...required }), config, 'an empty variable counts as absent');
});

t.test('each setting is read', async (t) => {
  const config = parseGatewayConfig({
    KAFKA_BROKERS: ' a:9092, [::1]:9093 ',
    MILLRACE_TRIGGERS: 'triggers.yaml',
    MILLRACE_ADMIN_HOST: '0.0.0.0',
    MILLRACE_ADMIN_PORT: '0',
    MILLRACE_ADMIN_TOKEN: ' 0123456789abcdef ',
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
    triggersPath: 'triggers.yaml',
    adminHost: '0.0.0.0',
    adminPort: 0,
    scalerUrls: ['http://scaler:9090', 'https://other'],
    drainLimitMs: 60_000,
    maxRecordsPerTrigger: 1,
    maxBytesPerTrigger: 1024,
    maxRecords: 2,
    maxBytes: 2 * 2 ** 30,
    adminToken: '0123456789abcdef',
    logLevel: 'debug',
  });
});

t.test('a token that is too short is refused, and not repeated', async (t) => {
  const secrets = ['hunter2', 'hunter2 hunter2 hunter2'];
  for (const MILLRACE_ADMIN_TOKEN of secrets) {
    const parse = () => parseGatewayConfig({ ...required, MILLRACE_ADMIN_TOKEN });
    t.throws(parse, {
      message: 'MILLRACE_ADMIN_TOKEN has to have at least 16 characters, visible ones of ASCII',
    });
  }
});

t.test('every mistake is told at once', async (t) => {
  const wrong = {
    KAFKA_BROKERS: 'kafka',
    MILLRACE_ADMIN_PORT: '65536',
    SCALER_URLS: 'scaler:9090',
    MILLRACE_DRAIN_LIMIT: '25s',
    MILLRACE_MAX_RECORDS_PER_TRIGGER: '0',
    MILLRACE_MAX_BYTES_PER_TRIGGER: 'much',
    MILLRACE_MAX_RECORDS: '-1',
    MILLRACE_MAX_BYTES: '1.5.2',
    LOG_LEVEL: 'loud',
  };
  try {
    parseGatewayConfig(wrong);
    t.fail('it is refused');
  } catch (error) {
    t.type(error, MillraceError);
    t.match(error, { code: 'MILLRACE_CONFIG_INVALID' });
    const { message } = error as Error;
    for (const [name, value] of Object.entries(wrong)) t.match(message, `${name} is "${value}", expected `);
    t.match(message, 'MILLRACE_TRIGGERS is ""');
  }
});

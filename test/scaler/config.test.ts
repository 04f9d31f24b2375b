import t from 'tap';
import { listenAddress } from '../../core/process/listen-address.ts';
import { readScalerConfig } from '../../scaler/config.ts';
import { localAccess } from '../fixtures/access/open-server.ts';

const required = { KAFKA_BROKERS: 'a:1', MILLRACE_TRIGGERS: '/triggers' };

t.test('defaults', async (t) => {
  const config = readScalerConfig({ ...required, KAFKA_BROKERS: 'a:9092, b:9093', SCALER_HTTP_PORT: '' });
  t.strictSame(config, {
    kafkaBrokers: ['a:9092', 'b:9093'],
    kafkaConfigPath: undefined,
    triggersPath: '/triggers',
    kubernetes: undefined,
    host: listenAddress('any'),
    grpcPort: 6000,
    httpPort: 8081,
    tls: undefined,
    access: localAccess,
    logLevel: 'info',
  });
  t.ok(Object.isFrozen(config) && Object.isFrozen(config.kafkaBrokers));
});

t.test('everything given', async (t) => {
  const config = readScalerConfig({
    KAFKA_BROKERS: '127.0.0.1:9092',
    MILLRACE_TRIGGERS: '/etc/millrace/triggers',
    SCALER_HOST: '127.0.0.1',
    SCALER_GRPC_PORT: '0',
    SCALER_HTTP_PORT: '0',
    LOG_LEVEL: 'DEBUG',
  });
  t.match(config, {
    triggersPath: '/etc/millrace/triggers',
    host: '127.0.0.1',
    grpcPort: 0,
    httpPort: 0,
    logLevel: 'debug',
  });
});

t.test('TLS: a certificate with its key, and perhaps the CA of whoever may call', async (t) => {
  const env = { ...required, SCALER_TLS_CERT: '/c', SCALER_TLS_KEY: '/k', SCALER_TLS_CLIENT_CA: '' };
  t.strictSame(readScalerConfig(env).tls, { certPath: '/c', keyPath: '/k', clientCaPath: undefined });
  t.equal(readScalerConfig({ ...env, SCALER_TLS_CLIENT_CA: '/ca' }).tls?.clientCaPath, '/ca');
  t.throws(() => readScalerConfig({ ...env, SCALER_TLS_KEY: '' }), {
    message: 'SCALER_TLS_KEY is "", expected a file, as SCALER_TLS_CERT has one',
  });
  t.throws(() => readScalerConfig({ ...env, SCALER_TLS_CERT: '' }), {
    message: 'SCALER_TLS_CERT is "", expected a file, as SCALER_TLS_KEY has one',
  });
  t.throws(() => readScalerConfig({ ...required, SCALER_TLS_CLIENT_CA: '/ca' }), {
    message: 'SCALER_TLS_CLIENT_CA is "/ca", expected nothing without SCALER_TLS_CERT and SCALER_TLS_KEY',
  });
});

t.test('in a cluster', async (t) => {
  const config = readScalerConfig({
    KAFKA_BROKERS: 'a:1',
    MILLRACE_KUBERNETES: 'true',
    WATCH_NAMESPACES: 'geo',
    POD_NAME: 'scaler-1',
  });
  t.equal(config.triggersPath, undefined);
  t.match(config.kubernetes, { namespaces: ['geo'], podName: 'scaler-1' });
  t.match(config.access, { tokenReviews: true, trustsLoopback: false });
});

t.test('all mistakes at once', async (t) => {
  const env = {
    KAFKA_BROKERS: 'a,b:99999',
    SCALER_GRPC_PORT: '70000',
    SCALER_HTTP_PORT: 'http',
    LOG_LEVEL: 'loud',
  };
  t.throws(() => readScalerConfig(env), {
    code: 'MILLRACE_CONFIG_INVALID',
    message:
      /KAFKA_BROKERS is "a,b:99999", .*LOG_LEVEL is "loud", .*SCALER_GRPC_PORT is "70000", .*SCALER_HTTP_PORT is "http", /,
  });
  t.throws(() => readScalerConfig({}), { message: /KAFKA_BROKERS is "", expected host:port/ });
  t.throws(() => readScalerConfig({ ...required, SCALER_GRPC_PORT: '7', SCALER_HTTP_PORT: '7' }), {
    message: 'SCALER_HTTP_PORT is "7", expected another port than that of SCALER_GRPC_PORT',
  });
});

t.test('a file of client properties may name the brokers, or they do that themselves', async (t) => {
  const configPath = '/etc/millrace/client.properties';
  const env = { MILLRACE_TRIGGERS: '/triggers', KAFKA_CONFIG: configPath };
  t.match(readScalerConfig(env), {
    kafkaBrokers: undefined,
    kafkaConfigPath: configPath,
  });
  t.match(readScalerConfig({ ...env, KAFKA_BROKERS: 'a:1' }), { kafkaBrokers: ['a:1'] });
  t.throws(() => readScalerConfig({ ...env, KAFKA_BROKERS: 'a' }), /KAFKA_BROKERS is "a"/);
});

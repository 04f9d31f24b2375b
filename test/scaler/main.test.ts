// The scaler as it runs: a real Kafka, a real gRPC client, the gateway's own activation call.
import {
  credentials,
  status,
  type Client,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { createActivationCall } from '../../gateway/control/activation-call.ts';
import { loadExternalScaler } from '../../scaler/grpc/proto-definition.ts';
import { startScaler, type Scaler } from '../../scaler/main.ts';
import { localAccess } from '../fixtures/access/open-server.ts';
import { createTopic, ownKafka, produce, uniqueName, useKafka, withAdmin } from '../fixtures/kafka/kafka.ts';
import { memorySecrets } from '../fixtures/secrets/memory-secrets.ts';
import { silentLog } from '../fixtures/silent-log.ts';
import { subscriptionOf, triggerSource } from '../fixtures/subscription.ts';
import { until } from './fixtures/until.ts';

t.setTimeout(300_000);
const limit = { timeout: 120_000 };
const log = silentLog;

function configOf(bootstrapServers: string) {
  return {
    kafkaBrokers: bootstrapServers.split(','),
    access: localAccess,
    host: '127.0.0.1',
    grpcPort: 0,
    httpPort: 0,
    logLevel: 'silent',
  } as const;
}

async function startFor(t: Test, servers: string, source: ReturnType<typeof triggerSource>): Promise<Scaler> {
  const scaler = await startScaler(configOf(servers), { triggers: source, secrets: memorySecrets(), log });
  t.teardown(() => scaler.stop());
  return scaler;
}

function connect(t: Test, scaler: Scaler) {
  const client: Client = new (loadExternalScaler().client)(
    `127.0.0.1:${scaler.grpcPort}`,
    credentials.createInsecure(),
  );
  t.teardown(() => client.close());
  const methods = client as unknown as {
    GetMetrics(
      request: object,
      callback: (error: ServiceError | null, answer: { metricValues: { metricValue: string }[] }) => void,
    ): void;
    StreamIsActive(request: object): ClientReadableStream<{ result: boolean }>;
  };
  const refOf = (name: string) => ({ name, namespace: 'geo', scalerMetadata: {} });
  return {
    backlog: (name: string) =>
      new Promise<string | undefined>((resolve, reject) => {
        methods.GetMetrics({ scaledObjectRef: refOf(name) }, (error, answer) =>
          error === null ? resolve(answer.metricValues[0]?.metricValue) : reject(error),
        );
      }),
    stream(name: string) {
      const stream = methods.StreamIsActive(refOf(name));
      const received: boolean[] = [];
      stream.on('data', ({ result }: { result: boolean }) => received.push(result));
      stream.on('error', () => undefined);
      t.teardown(() => stream.cancel());
      return received;
    },
  };
}

const triggerOn = (name: string, topic: string) =>
  subscriptionOf(name, { source: { topics: [topic], consumerGroup: uniqueName(name) } });

t.test('backlog from Kafka to KEDA, for triggers that come and go', limit, async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 2 });
  const missing = triggerOn('missing', uniqueName('no-such-topic'));
  const source = triggerSource([triggerOn('quakes', topic), missing]);
  const scaler = await startFor(t, servers, source);
  const keda = connect(t, scaler);
  t.equal(await keda.backlog('quakes'), '0');
  await produce(servers, topic, [
    { value: 'a', partition: 0 },
    { value: 'b', partition: 0 },
    { value: 'c', partition: 1 },
  ]);
  await until(async () => (await keda.backlog('quakes')) === '3');
  t.equal(await scaler.demand.backlog('geo/quakes'), 3n);
  t.equal(await scaler.demand.isActive('geo/quakes'), true);
  const unavailable = {
    code: status.UNAVAILABLE,
    details: /MILLRACE_BACKLOG_UNKNOWN.*no-such-topic.*Create the topic/,
  };
  await t.rejects(keda.backlog('missing'), unavailable);

  await withAdmin(servers, (admin) =>
    admin.createTopics({ topics: [{ topic: missing.source.topics[0] ?? '' }] }),
  );
  t.teardown(() => withAdmin(servers, (admin) => admin.deleteTopics({ topics: [...missing.source.topics] })));
  await until(async () => (await keda.backlog('missing')) === '0');
  source.tell([triggerOn('late', topic)]);
  t.equal(await keda.backlog('late'), '3');
  await t.rejects(keda.backlog('quakes'), { code: status.NOT_FOUND });
  t.match(
    await (await fetch(`${scaler.httpUrl}/metrics`)).text(),
    /millrace_scaler_backlog_records\{namespace="geo",trigger="late"\} 3/,
  );
  t.equal((await fetch(`${scaler.httpUrl}/readyz`)).status, 200);

  await scaler.stop();
  await scaler.stop();
  t.equal(source.watchers(), 0);
});

t.test(
  "the gateway's activation call is pushed, repeatedly; so is a backlog without any gateway",
  limit,
  async (t) => {
    const servers = await useKafka(t);
    const topic = await createTopic(t, servers, { partitions: 1 });
    const own = subscriptionOf('own', { source: { topics: [topic] }, scale: { pollingIntervalSeconds: 1 } });
    const called = triggerOn('called', await createTopic(t, servers, { partitions: 1 }));
    const scaler = await startFor(t, servers, triggerSource([own, called]));
    const keda = connect(t, scaler);
    const pushes = { called: keda.stream('called'), own: keda.stream('own') };
    await until(async () =>
      (await (await fetch(`${scaler.httpUrl}/metrics`)).text()).includes('push_streams 2'),
    );

    const errors: Error[] = [];
    const gateway = createActivationCall({ urls: [scaler.httpUrl], onError: (error) => errors.push(error) });
    t.teardown(() => gateway.close());
    gateway.wake(called);
    await until(() => pushes.called.length >= 2);
    t.strictSame(errors, []);
    t.equal(pushes.own.length, 0);
    gateway.wake(subscriptionOf('nobody'));
    await until(() => errors.length === 1);
    t.match(errors[0]?.message, /404.*geo\/nobody/);

    await produce(servers, topic, [{ value: 'a' }]);
    await until(() => pushes.own.length >= 2);
    t.ok([...pushes.own, ...pushes.called].every((pushed) => pushed));
  },
);

t.test('Kafka away at the start, then there, then away again', { timeout: 180_000 }, async (t) => {
  const kafka = await ownKafka(t);
  const [broker] = kafka.brokers;
  const topic = await createTopic(t, kafka.bootstrapServers, { partitions: 1 });
  await produce(kafka.bootstrapServers, topic, [{ value: 'a' }]);
  await broker?.kill();
  const scaler = await startFor(t, kafka.bootstrapServers, triggerSource([triggerOn('quakes', topic)]));
  const keda = connect(t, scaler);
  const unready = await fetch(`${scaler.httpUrl}/readyz`);
  t.equal(unready.status, 503);
  t.match(await unready.json(), { status: 'waiting', waiting: [{ kafka: 'unreachable' }] });
  t.equal((await fetch(`${scaler.httpUrl}/healthz`)).status, 200);
  t.equal(scaler.demand.metricSpec('geo/quakes').targetSize, 10);
  await t.rejects(keda.backlog('quakes'), {
    code: status.UNAVAILABLE,
    details: /No broker answers.*KAFKA_BROKERS/s,
  });

  await broker?.restart();
  await until(async () => (await fetch(`${scaler.httpUrl}/readyz`)).status === 200, 60_000);
  await until(async () => (await keda.backlog('quakes')) === '1', 60_000);
  await broker?.kill();
  await until(() =>
    keda.backlog('quakes').then(
      () => false,
      () => true,
    ),
  );
  const away = await fetch(`${scaler.httpUrl}/readyz`);
  t.equal(away.status, 200, 'still in its Service, so that KEDA hears that the backlog is unknown');
  t.match(await away.json(), {
    status: 'ready',
    waiting: [{ kafka: 'unreachable', reason: /No broker answers/ }],
  });
  await broker?.restart();
  await until(async () => (await keda.backlog('quakes')) === '1', 60_000);
});

t.test('a start that fails leaves nothing open', limit, async (t) => {
  const source = triggerSource([]);
  const first = await startFor(t, '127.0.0.1:1', source);
  const config = { ...configOf('127.0.0.1:1'), grpcPort: first.grpcPort };
  await t.rejects(
    startScaler(config, { triggers: source, secrets: memorySecrets(), log }),
    /EADDRINUSE|No address added/,
  );
  t.equal(source.watchers(), 1);
  const broken = { watch: () => Promise.reject(new Error('no such folder')) };
  await t.rejects(startScaler(configOf('127.0.0.1:1'), { triggers: broken, secrets: memorySecrets(), log }), {
    message: 'no such folder',
  });
  await first.stop();
  t.equal(source.watchers(), 0);
});

// ScaledObjects without a trigger, over a real Kafka: no offsets, deleted history, transactions, topics that vanish, brokers that
// do not answer; and two scalers that answer alike.
import {
  credentials,
  status,
  type Client,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { createKafka } from '../../core/kafka/administration/kafka-client.ts';
import { loadExternalScaler } from '../../scaler/grpc/proto-definition.ts';
import { startScaler } from '../../scaler/main.ts';
import { localAccess } from '../fixtures/access/open-server.ts';
import { createTopic, ownKafka, produce, uniqueName, useKafka, withAdmin } from '../fixtures/kafka/kafka.ts';
import { memorySecrets } from '../fixtures/secrets/memory-secrets.ts';
import { silentLog } from '../fixtures/silent-log.ts';
import { triggerSource } from '../fixtures/subscription.ts';
import { commit } from '../core/kafka/fixtures/offsets.ts';
import { until } from './fixtures/until.ts';

t.setTimeout(300_000);
const limit = { timeout: 120_000 };
const values = (count: number, partition = 0) =>
  Array.from({ length: count }, () => ({ value: 'x', partition }));

/** A scaler, and what KEDA would be answered for given metadata. */
async function startFor(t: Test, servers: string) {
  const ports = { host: '127.0.0.1', grpcPort: 0, httpPort: 0 } as const;
  const config = { ...ports, access: localAccess, logLevel: 'silent' } as const;
  const dependencies = {
    triggers: triggerSource([]),
    secrets: memorySecrets(),
    log: silentLog,
  };
  const scaler = await startScaler({ ...config, kafkaBrokers: servers.split(',') }, dependencies);
  t.teardown(() => scaler.stop());
  const address = `127.0.0.1:${scaler.grpcPort}`;
  const client: Client = new (loadExternalScaler().client)(address, credentials.createInsecure());
  t.teardown(() => client.close());
  type Answer<A> = (error: ServiceError | null, answer: A) => void;
  const methods = client as unknown as {
    GetMetrics(request: object, callback: Answer<{ metricValues: { metricValue: string }[] }>): void;
    IsActive(ref: object, callback: Answer<{ result: boolean }>): void;
    StreamIsActive(ref: object): ClientReadableStream<{ result: boolean }>;
  };
  type Metadata = Record<string, string>;
  const refOf = (scalerMetadata: Metadata) => ({ name: 'mailer', namespace: 'shop', scalerMetadata });
  return {
    metric: (metadata: Metadata) =>
      new Promise<number>((resolve, reject) => {
        methods.GetMetrics({ scaledObjectRef: refOf(metadata) }, (error, answer) =>
          error === null ? resolve(Number(answer.metricValues[0]?.metricValue)) : reject(error),
        );
      }),
    isActive: (metadata: Metadata) =>
      new Promise<boolean>((resolve, reject) => {
        methods.IsActive(refOf(metadata), (error, answer) =>
          error === null ? resolve(answer.result) : reject(error),
        );
      }),
    stream(metadata: Metadata) {
      const pushes: boolean[] = [];
      const stream = methods.StreamIsActive(refOf(metadata));
      stream
        .on('data', ({ result }: { result: boolean }) => pushes.push(result))
        .on('error', () => undefined);
      t.teardown(() => stream.cancel());
      return pushes;
    },
  };
}

t.test('no offsets yet, and where they begin', limit, async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 2 });
  const keda = await startFor(t, servers);
  const consumerGroup = uniqueName('group');
  await produce(servers, topic, [...values(5, 0), ...values(3, 1)]);
  const metricOf = (metadata: Record<string, string>) => keda.metric({ consumerGroup, ...metadata });
  t.equal(await metricOf({ topic }), 2, 'one for each partition: a consumer can begin');
  t.equal(await metricOf({ topic, scaleToZeroOnInvalidOffset: 'true' }), 0);
  t.equal(await metricOf({ topic, offsetResetPolicy: 'earliest' }), 8);
  t.equal(await metricOf({}), 1, 'a group that has never been, and no topic');
  t.equal(await metricOf({ scaleToZeroOnInvalidOffset: 'true' }), 0);

  await commit(servers, consumerGroup, topic, ['1', '3']);
  await until(async () => (await metricOf({})) === 4);
  t.equal(await metricOf({ topic, partitionLimitation: '1' }), 0);
  await withAdmin(servers, async (admin) => {
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
  });
  await until(async () => (await metricOf({ topic })) === 1);
});

t.test('all topics of a group, as they come', limit, async (t) => {
  const servers = await useKafka(t);
  const [first, second] = [
    await createTopic(t, servers, { partitions: 1 }),
    await createTopic(t, servers, { partitions: 2 }),
  ];
  const keda = await startFor(t, servers);
  const consumerGroup = uniqueName('group');
  await produce(servers, first, values(4));
  await produce(servers, second, values(3));
  await commit(servers, consumerGroup, first, ['1']);
  t.equal(await keda.metric({ consumerGroup }), 3);
  await commit(servers, consumerGroup, second, ['1']);
  await until(async () => (await keda.metric({ consumerGroup })) === 3 + 2 + 1);
  t.equal(await keda.isActive({ consumerGroup, activationLagThreshold: '6' }), false);
  t.equal(await keda.metric({ consumerGroup, topic: `${first},${second}` }), 6);
});

t.test(
  'an open transaction is not counted; the marker of a committed one is, until it is passed',
  limit,
  async (t) => {
    const servers = await useKafka(t);
    const topic = await createTopic(t, servers, { partitions: 1 });
    const keda = await startFor(t, servers);
    const consumerGroup = uniqueName('group');
    await commit(servers, consumerGroup, topic, ['0']);
    const kafka = createKafka({ brokers: servers.split(','), clientId: 'producer' });
    const settings = { transactionalId: uniqueName('tx'), idempotent: true, maxInFlightRequests: 1 };
    const producer = kafka.producer(settings);
    t.teardown(() => producer.disconnect());
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: values(3) });
    t.equal(await keda.metric({ consumerGroup, topic }), 0);
    await transaction.commit();
    await until(async () => (await keda.metric({ consumerGroup, topic })) === 4);
    await commit(servers, consumerGroup, topic, ['3']);
    await until(async () => (await keda.metric({ consumerGroup, topic })) === 1);
    await commit(servers, consumerGroup, topic, ['4']);
    await until(async () => (await keda.metric({ consumerGroup, topic })) === 0);
  },
);

t.test(
  'a topic that is not there is an error; so is one that vanished, until it is there again',
  limit,
  async (t) => {
    const servers = await useKafka(t);
    const topic = uniqueName('vanishing');
    const other = await createTopic(t, servers, { partitions: 1 });
    const keda = await startFor(t, servers);
    const consumerGroup = uniqueName('group');
    const missing = {
      code: status.UNAVAILABLE,
      details: /MILLRACE_BACKLOG_UNKNOWN: .*Topic vanishing-.* Create the/,
    };
    await t.rejects(keda.metric({ consumerGroup, topic }), missing);
    await withAdmin(servers, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
    await until(() =>
      keda.metric({ consumerGroup, topic }).then(
        (metric) => metric === 1,
        () => false,
      ),
    );
    await commit(servers, consumerGroup, topic, ['0']);
    await commit(servers, consumerGroup, other, ['0']);
    await produce(servers, topic, values(2));
    await produce(servers, other, values(1));
    await until(async () => (await keda.metric({ consumerGroup })) === 3);
    await withAdmin(servers, (admin) => admin.deleteTopics({ topics: [topic] }));
    await until(
      () =>
        keda.metric({ consumerGroup, topic }).then(
          () => false,
          () => true,
        ),
      20_000,
    );
    await t.rejects(keda.isActive({ consumerGroup, topic }), missing);
    // Kafka forgets the offsets of a topic with the topic: of the group as a whole, the other is left.
    await until(
      () =>
        keda.metric({ consumerGroup }).then(
          (metric) => metric === 1,
          () => false,
        ),
      20_000,
    );
  },
);

t.test('a push, without a gateway; and two scalers answer alike', limit, async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 3 });
  const [one, two] = [await startFor(t, servers), await startFor(t, servers)];
  const consumerGroup = uniqueName('group');
  await commit(servers, consumerGroup, topic, ['0', '0', '0']);
  const metadata = { consumerGroup, topic, bootstrapServers: servers, limitToPartitionsWithLag: 'true' };
  const pushes = one.stream(metadata);
  t.equal(await two.metric(metadata), 0);
  t.strictSame(pushes, []);
  await produce(servers, topic, [...values(50, 0), ...values(1, 2)]);
  await until(() => pushes.length >= 2);
  await until(async () => (await two.metric(metadata)) === 20);
  t.equal(await one.metric(metadata), 20);
  t.equal(await two.isActive(metadata), true);
});

t.test(
  'a broker that holds its connections and answers nothing, then does',
  { timeout: 180_000 },
  async (t) => {
    const kafka = await ownKafka(t);
    const [broker] = kafka.brokers;
    const servers = kafka.bootstrapServers;
    const topic = await createTopic(t, servers, { partitions: 1 });
    const keda = await startFor(t, servers);
    const metadata = { consumerGroup: uniqueName('group'), topic };
    await until(async () => (await keda.metric(metadata)) === 1, 30_000);
    broker?.suspend();
    t.teardown(async () => broker?.continue());
    const isUnavailable = (error: ServiceError) => error.code === status.UNAVAILABLE;
    await until(() => keda.metric(metadata).then(() => false, isUnavailable), 30_000);
    const pushes = keda.stream(metadata);
    await t.rejects(keda.isActive(metadata), { code: status.UNAVAILABLE });
    t.strictSame(pushes, [], 'unknown is no reason to start anything');
    broker?.continue();
    await until(
      () =>
        keda.metric(metadata).then(
          (metric) => metric === 1,
          () => false,
        ),
      60_000,
    );
    await until(() => pushes.length >= 1, 30_000);
  },
);

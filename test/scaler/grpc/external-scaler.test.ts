// A real gRPC client over the proto, as KEDA is one, against the service on a port; Demand is over a backlog
// of the test's.
import {
  credentials,
  status,
  type Client,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { OffsetsResult } from '../../../core/kafka/offsets/partition-offsets.ts';
import { createDemand } from '../../../scaler/activation/demand.ts';
import { createGroupDemand } from '../../../scaler/activation/group-demand.ts';
import { createWatchedGroups } from '../../../scaler/activation/watched-groups.ts';
import { createScalerEmitter } from '../../../scaler/scaler-events.ts';
import { loadExternalScaler } from '../../../scaler/grpc/proto-definition.ts';
import { startGrpcServer } from '../../../scaler/grpc/grpc-server.ts';
import { createKnownClusters } from '../../../scaler/known-clusters.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { until } from '../fixtures/until.ts';

type Unary = (request: object, callback: (error: ServiceError | null, answer: unknown) => void) => void;
type Stream = (request: object) => ClientReadableStream<unknown>;

/** A group that lags by as many records, in one of two partitions. */
const groupLagging = (records: bigint): OffsetsResult => ({
  kind: 'read',
  partitions: [0, 1].map((partition) => ({
    topic: 'orders',
    partition,
    logStart: 0n,
    end: partition === 0 ? records : 0n,
    committed: { offset: 0n, metadata: '' },
  })),
});

async function setUp(t: Test) {
  const triggers = createWantedTriggers();
  triggers.replace([
    subscriptionOf('quake-alerts', { scale: { lagThreshold: 25 }, delivery: { ordering: 'key' } }),
  ]);
  const events = createScalerEmitter();
  const emit = events.emit.bind(events);
  const kafka = {
    backlog: 0n as bigint | Error,
    lanes: undefined as bigint | undefined,
    group: groupLagging(0n),
  };
  const read = () =>
    typeof kafka.backlog === 'bigint'
      ? Promise.resolve({
          records: kafka.backlog,
          movable: kafka.backlog,
          lanes: kafka.lanes ?? kafka.backlog,
          partitions: 3,
          settled: 0n,
        })
      : Promise.reject(kafka.backlog);
  const demand = createDemand({ triggers, backlog: { read }, emit, repeatMs: 20, holdMs: 60_000 });
  t.teardown(() => demand.close());
  const groups = createWatchedGroups({ clusters: createKnownClusters(['kafka:9092'], triggers) });
  const offsets = { readOne: () => Promise.resolve(kafka.group), waitsFor: () => undefined };
  const groupDemand = createGroupDemand({ groups, offsets, emit, repeatMs: 20, checkMs: 20, maxAgeMs: 0 });
  t.teardown(() => groupDemand.close());
  t.teardown(() => groups.close());
  const served = { demand, triggers, groups, groupDemand, emit, host: '127.0.0.1', port: 0 };
  const server = await startGrpcServer(served);
  t.teardown(() => server.stop(100));
  const client: Client = new (loadExternalScaler().client)(
    `127.0.0.1:${server.port}`,
    credentials.createInsecure(),
  );
  t.teardown(() => client.close());
  const unary = client as unknown as Record<string, Unary>;
  const streaming = client as unknown as Record<string, Stream>;
  const call = (method: string, request: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      unary[method]?.call(client, request, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  const open = (method: string, request: object) => {
    const stream = streaming[method]?.call(client, request);
    if (stream === undefined) throw new Error(`no method ${method}`);
    const received: unknown[] = [];
    stream.on('data', (answer: unknown) => received.push(answer));
    const ended = new Promise<ServiceError | 'ended'>((resolve) =>
      stream.on('end', () => resolve('ended')).on('error', (error: ServiceError) => resolve(error)),
    );
    t.teardown(() => stream.cancel());
    return { stream, received, ended };
  };
  return { triggers, events, kafka, demand, groups, served, server, call, open };
}

const ref = { name: 'quake-alerts', namespace: 'geo', scalerMetadata: {} };

t.test('GetMetricSpec fills the integer and the float, whatever Kafka does', async (t) => {
  const { call, kafka } = await setUp(t);
  kafka.backlog = new Error('away');
  t.strictSame(await call('GetMetricSpec', ref), {
    metricSpecs: [{ metricName: 'millrace-quake-alerts', targetSize: '25', targetSizeFloat: 25 }],
  });
});

t.test('the trigger is named by the metadata, else by the ScaledObject', async (t) => {
  const { call } = await setUp(t);
  const scaledObject = {
    name: 'some-scaled-object',
    namespace: 'geo',
    scalerMetadata: { trigger: 'quake-alerts', scalerAddress: 'a:1' },
  };
  t.match(await call('GetMetricSpec', scaledObject), {
    metricSpecs: [{ metricName: 'millrace-quake-alerts' }],
  });
});

t.test('GetMetrics and IsActive report the backlog', async (t) => {
  const { call, kafka, events } = await setUp(t);
  const answered: string[] = [];
  events.on('answered', (method, answer) => answered.push(`${method} ${answer}`));
  const request = { scaledObjectRef: ref, metricName: 'millrace-quake-alerts' };
  t.strictSame(await call('GetMetrics', request), {
    metricValues: [{ metricName: 'millrace-quake-alerts', metricValue: '0', metricValueFloat: 0 }],
  });
  t.strictSame(await call('IsActive', ref), { result: false });
  kafka.backlog = 9_007_199_254_740_993n;
  t.strictSame(await call('GetMetrics', { scaledObjectRef: ref }), {
    metricValues: [
      {
        metricName: 'millrace-quake-alerts',
        metricValue: '9007199254740993',
        metricValueFloat: 9_007_199_254_740_992,
      },
    ],
  });
  t.strictSame(await call('IsActive', ref), { result: true });
  t.strictSame(answered, ['GetMetrics OK', 'IsActive OK', 'GetMetrics OK', 'IsActive OK']);
});

t.test(
  'under ordering by partition, KEDA is never asked for more replicas than lanes that can move',
  async (t) => {
    const { call, kafka, triggers } = await setUp(t);
    triggers.replace([
      subscriptionOf('quake-alerts', { scale: { lagThreshold: 25, activationLagThreshold: 500 } }),
    ]);
    kafka.backlog = 1_000n;
    kafka.lanes = 3n;
    t.match(await call('GetMetrics', { scaledObjectRef: ref }), {
      metricValues: [{ metricValue: '75', metricValueFloat: 75 }],
    });
    t.match(await call('GetMetricSpec', ref), { metricSpecs: [{ targetSize: '25' }] });
    t.strictSame(await call('IsActive', ref), { result: true });
  },
);

t.test(
  'unknown is UNAVAILABLE with code, cause and remedy; an unknown trigger NOT_FOUND; a bug INTERNAL',
  async (t) => {
    const { call, kafka, open } = await setUp(t);
    const cause = new MillraceError('MILLRACE_TOPIC_MISSING', 'Topic earthquakes does not exist');
    kafka.backlog = new MillraceError(
      'MILLRACE_BACKLOG_UNKNOWN',
      'The backlog of geo/quake-alerts is unknown',
      { cause },
    );
    const unavailable = {
      code: status.UNAVAILABLE,
      details:
        /^MILLRACE_BACKLOG_UNKNOWN: .*geo\/quake-alerts.*Topic earthquakes does not exist\. Create the topic/,
    };
    await t.rejects(call('GetMetrics', { scaledObjectRef: ref }), unavailable);
    await t.rejects(call('IsActive', ref), unavailable);
    kafka.backlog = new Error('bug');
    await t.rejects(call('IsActive', ref), { code: status.INTERNAL, details: 'bug' });

    const notFound = {
      code: status.NOT_FOUND,
      details: /^MILLRACE_TRIGGER_UNKNOWN: .*geo\/nobody.*metadata `trigger`/,
    };
    const nobody = { ...ref, name: 'nobody' };
    for (const method of ['IsActive', 'GetMetricSpec']) await t.rejects(call(method, nobody), notFound);
    await t.rejects(call('GetMetrics', { scaledObjectRef: nobody }), notFound);
    for (const method of ['StreamIsActive', 'StreamMetricSpec'])
      t.match(await open(method, nobody).ended, notFound);
    for (const request of [{}, { scaledObjectRef: { name: 'quake-alerts' } }]) {
      await t.rejects(call('GetMetrics', request), { code: status.NOT_FOUND, details: /names no namespace/ });
    }
  },
);

t.test('an activation call is on the push stream in the same tick, and repeated', async (t) => {
  const { demand, events, open } = await setUp(t);
  const opened = new Promise((resolve) => events.once('streamOpened', resolve));
  const { received } = open('StreamIsActive', ref);
  await opened;
  let pushed = 0;
  events.on('pushed', () => pushed++);
  demand.wake('geo/quake-alerts');
  t.equal(pushed, 1);
  await until(() => received.length >= 3);
  t.ok(received.every((answer) => (answer as { result: boolean }).result));
});

t.test('a backlog alone is pushed too', async (t) => {
  const { kafka, open } = await setUp(t);
  kafka.backlog = 1n;
  const { received } = open('StreamIsActive', ref);
  await until(() => received.length >= 2);
});

t.test('a cancelled stream is let go of', async (t) => {
  const { demand, events, open } = await setUp(t);
  const seen: string[] = [];
  events.on('streamOpened', (key) => seen.push(`open ${key}`));
  events.on('streamClosed', (key) => seen.push(`close ${key}`));
  const streams = [open('StreamIsActive', ref), open('StreamIsActive', ref)];
  await until(() => seen.length === 2);
  for (const { stream } of streams) stream.cancel();
  await until(() => seen.length === 4);
  t.strictSame(seen.slice(2), ['close geo/quake-alerts', 'close geo/quake-alerts']);
  let pushed = 0;
  events.on('pushed', () => pushed++);
  demand.wake('geo/quake-alerts');
  t.equal(pushed, 0);
});

t.test('StreamMetricSpec sends the spec at once, and when it changes', async (t) => {
  const { triggers, open } = await setUp(t);
  const { received } = open('StreamMetricSpec', ref);
  await until(() => received.length === 1);
  triggers.replace([subscriptionOf('quake-alerts', { scale: { lagThreshold: 25 } })]);
  triggers.replace([]);
  triggers.replace([subscriptionOf('quake-alerts', { scale: { lagThreshold: 50 } })]);
  await until(() => received.length === 2);
  t.match(received, [{ metricSpecs: [{ targetSizeFloat: 25 }] }, { metricSpecs: [{ targetSizeFloat: 50 }] }]);
});

t.test('stopping ends streams in order, so that KEDA comes back in 2 s', async (t) => {
  const { server, events, open } = await setUp(t);
  let opened = 0;
  events.on('streamOpened', () => opened++);
  const { ended } = open('StreamIsActive', ref);
  await until(() => opened === 1);
  await server.stop();
  t.equal(await ended, 'ended');
});

t.test('a port that is taken', async (t) => {
  const { server, served } = await setUp(t);
  await t.rejects(startGrpcServer({ ...served, port: server.port }), /EADDRINUSE|No address added/);
});

const handWritten = {
  name: 'mailer',
  namespace: 'shop',
  scalerMetadata: { scalerAddress: 'a:1', consumerGroup: 'shop.mails', topic: 'orders', lagThreshold: '5' },
};

t.test('a ScaledObject without a trigger: what KEDA asks of its own Kafka scaler', async (t) => {
  const { call, kafka, groups } = await setUp(t);
  t.strictSame(await call('GetMetricSpec', handWritten), {
    metricSpecs: [{ metricName: 'kafka-orders', targetSize: '5', targetSizeFloat: 5 }],
  });
  t.equal(groups.count, 1, 'watched from here on');
  kafka.group = groupLagging(7n);
  t.match(await call('GetMetrics', { scaledObjectRef: handWritten, metricName: 'kafka-orders' }), {
    metricValues: [{ metricName: 'kafka-orders', metricValue: '7', metricValueFloat: 7 }],
  });
  t.strictSame(await call('IsActive', handWritten), { result: true });
  const { topic, ...allTopics } = handWritten.scalerMetadata;
  t.match(await call('GetMetricSpec', { ...handWritten, scalerMetadata: allTopics }), {
    metricSpecs: [{ metricName: 'kafka-shop-mails-topics' }],
  });
  const scalerMetadata = { ...handWritten.scalerMetadata, activationLagThreshold: '7' };
  t.strictSame(await call('IsActive', { ...handWritten, scalerMetadata }), { result: false }, topic);
});

t.test('and what KEDA cannot do for that: a push', async (t) => {
  const { kafka, open, events } = await setUp(t);
  const closed = new Promise((resolve) => events.once('streamClosed', resolve));
  const { stream, received } = open('StreamIsActive', handWritten);
  const specs = open('StreamMetricSpec', handWritten).received;
  await until(() => specs.length === 1);
  t.strictSame(received, []);
  kafka.group = groupLagging(1n);
  await until(() => received.length >= 2);
  stream.cancel();
  await closed;
});

t.test('metadata that is wrong is INVALID_ARGUMENT: what, where, and what to do', async (t) => {
  const { call, kafka, open } = await setUp(t);
  const wrong = { ...handWritten, scalerMetadata: { ...handWritten.scalerMetadata, lagThreshold: 'many' } };
  const details =
    /^MILLRACE_SCALER_METADATA_INVALID: ScaledObject shop\/mailer: lagThreshold is 'many': write a whole number.*docs\/guides/;
  for (const method of ['IsActive', 'GetMetricSpec'])
    await t.rejects(call(method, wrong), { code: status.INVALID_ARGUMENT, details });
  t.match(await open('StreamIsActive', wrong).ended, { code: status.INVALID_ARGUMENT, details });
  const error = new MillraceError('MILLRACE_TOPIC_MISSING', 'Topic orders does not exist');
  kafka.group = { kind: 'failed', error };
  await t.rejects(call('GetMetrics', { scaledObjectRef: handWritten }), {
    code: status.UNAVAILABLE,
    details: /The backlog of shop\/mailer#.* is unknown: Topic orders does not exist/,
  });
});

import t from 'tap';
import { eventKind } from '../../../core/resources/kinds.ts';
import { createEventRecorder } from '../../../controller/writes/event-recorder.ts';
import { MemoryKubernetes } from '../../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { trigger } from '../fixtures/observed-state.ts';

const event = { type: 'Warning', reason: 'TopicMissing', note: 'create it' } as const;

t.test('created once, and counted when it repeats', async (t) => {
  const client = new MemoryKubernetes();
  let nowMs = Date.parse('2026-01-02T03:04:05Z');
  const recorder = createEventRecorder({
    client,
    instance: 'a',
    onError: (error) => void t.fail(String(error)),
    now: () => nowMs,
  });
  const events = () => client.list(eventKind);
  recorder.record(trigger, event);
  await until(async () => (await events()).length === 1);
  t.match((await events())[0], {
    metadata: { namespace: 'geo' },
    eventTime: '2026-01-02T03:04:05.000000Z',
    reportingInstance: 'a',
    regarding: { kind: 'Trigger', name: 'quakes', uid: 'uid-trigger' },
    type: 'Warning',
    reason: 'TopicMissing',
    note: 'create it',
  });
  recorder.record(trigger, event);
  nowMs += 60_000;
  recorder.record(trigger, event);
  await until(async () => (await events())[0]?.series !== undefined);
  t.match(await events(), [{ series: { count: 3, lastObservedTime: '2026-01-02T03:05:05.000000Z' } }]);
  t.equal(client.asked.filter((request) => request.startsWith('patch')).length, 1, 'not every time');
  nowMs += 600_000;
  recorder.record(trigger, event);
  await until(async () => (await events()).length === 2);
  recorder.record(trigger, { ...event, note: 'x'.repeat(2_000) });
  await until(async () => (await events()).some(({ note }) => Buffer.byteLength(String(note)) === 1_024));
});

t.test('name and note fit, whatever they are about', async (t) => {
  const client = new MemoryKubernetes();
  const recorder = createEventRecorder({ client, instance: 'a', onError: (error) => t.fail(String(error)) });
  const long = {
    ...trigger,
    metadata: { ...trigger.metadata, name: `${'a'.repeat(235)}.${'b'.repeat(17)}` },
  };
  recorder.record(long, { ...event, note: `x${'🐦'.repeat(1_000)}` });
  await until(async () => (await client.list(eventKind)).length === 1);
  const [{ metadata, note } = { metadata: { name: '' }, note: '' }] = await client.list(eventKind);
  t.match(metadata.name, /^a{235}\.[0-9a-f]{16}$/);
  t.ok(Buffer.byteLength(String(note)) <= 1_024);
  t.match(note, /^x(🐦)+…$/u);
});

t.test('an Event that is lost does no harm, and the next one is created', async (t) => {
  const client = new MemoryKubernetes();
  client.fails = () => new Error('away');
  const errors: unknown[] = [];
  const recorder = createEventRecorder({ client, instance: 'a', onError: (error) => errors.push(error) });
  recorder.record({ ...trigger, metadata: { name: 'quakes' } }, event);
  await until(() => errors.length === 1);
  client.fails = undefined;
  recorder.record({ ...trigger, metadata: { name: 'quakes' } }, event);
  await until(async () => (await client.list(eventKind)).length === 1);
  t.equal(errors.length, 1);
});

t.test('when too many wait for the API server, further ones are lost, and that is told', async (t) => {
  const { promise, resolve } = Promise.withResolvers<never>();
  const lost: string[] = [];
  const recorder = createEventRecorder({
    client: { create: () => promise, patch: () => promise },
    instance: 'a',
    onError: (error) => lost.push(String(error)),
  });
  for (let index = 0; index < 1_001; index++) recorder.record(trigger, { ...event, note: `${index}` });
  t.match(lost, [/1000 Events wait already: an Event TopicMissing is not recorded/]);
  resolve(undefined as never);
  await promise;
  await new Promise(setImmediate);
  recorder.record(trigger, { ...event, note: 'later' });
  t.equal(lost.length, 1);
});

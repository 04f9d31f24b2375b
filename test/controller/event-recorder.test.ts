import t from 'tap';
import { eventKind } from '../../core/resources/kinds.ts';
import { createEventRecorder } from '../../controller/event-recorder.ts';
import { MemoryKubernetes } from '../fixtures/kubernetes/memory-kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import { trigger } from './fixtures/observed-state.ts';

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
  await until(async () => (await events()).some(({ note }) => String(note).length === 1_024));
});

t.test('an Event that is lost does no harm', async (t) => {
  const client = new MemoryKubernetes();
  client.fails = () => new Error('away');
  const errors: unknown[] = [];
  const recorder = createEventRecorder({ client, instance: 'a', onError: (error) => errors.push(error) });
  recorder.record({ ...trigger, metadata: { name: 'quakes' } }, event);
  await until(() => errors.length === 1);
  t.pass();
});

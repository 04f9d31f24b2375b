import { EventEmitter } from 'node:events';
import t, { type Test } from 'tap';
import type { GatewayEvents } from '../../../core/contract/gateway-events.ts';
import type { Subscription } from '../../../core/contract/subscription.ts';
import { Supervisor } from '../../../gateway/pipeline/supervisor.ts';
import { startFunction, type Behaviour } from '../../fixtures/function-server.ts';
import { MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { quickSubscription } from './run-pipeline.ts';

t.setTimeout(60_000);

/** Every trigger has a Kafka of its own; `lives` names them as they start and stop. */
async function supervise(t: Test, answer?: Behaviour) {
  const fn = await startFunction(t, answer);
  const lives: string[] = [];
  const kafkas = new Map<string, MemoryKafka>();
  const kafkaOf = (key: string) => {
    let kafka = kafkas.get(key);
    if (kafka === undefined) kafkas.set(key, (kafka = new MemoryKafka()));
    return kafka;
  };
  const events = new EventEmitter<GatewayEvents>();
  events.on('opened', ({ key }) => lives.push(`+${key}`));
  events.on('closed', ({ key }) => lives.push(`-${key}`));
  const supervisor = new Supervisor({
    createSource: (subscription, listener) =>
      kafkaOf(subscription.key).join(new EventEmitter(), [0]).createSource(subscription, listener),
    endpoints: {
      watch: (_subscription, onChange) => {
        onChange([{ origin: fn.origin }]);
        return () => undefined;
      },
    },
    sinkOf: () => new MemoryKafka().sink,
    openAccess: () => undefined,
    activation: { wake: () => undefined },
    events,
    drainLimitMs: 500,
    perTrigger: { records: 40, bytes: 2 ** 20 },
    inAll: { records: 60, bytes: 2 ** 20 },
  });
  t.teardown(() => supervisor.stop());
  const states = () => Object.fromEntries(supervisor.snapshot().map(({ key, state }) => [key, state]));
  return { supervisor, fn, lives, kafkaOf, states };
}

const trigger = (name: string, changes: Partial<Subscription> = {}): Subscription => ({
  ...quickSubscription(),
  key: `geo/${name}`,
  name,
  ...changes,
});

t.test('what is new starts, what is gone stops, what is the same goes on undisturbed', async (t) => {
  const { supervisor, lives, states } = await supervise(t);
  await supervisor.want([trigger('a'), trigger('b')]);
  await until(() => lives.length === 2);
  await supervisor.want([trigger('b'), trigger('c')]);
  await until(() => lives.length === 4);
  t.strictSame(lives, ['+geo/a', '+geo/b', '-geo/a', '+geo/c']);
  t.strictSame(states(), { 'geo/b': 'consuming', 'geo/c': 'consuming' });
});

t.test('what changed is replaced, and goes on from where it was committed', async (t) => {
  const { supervisor, lives, fn, kafkaOf } = await supervise(t);
  await supervisor.want([trigger('a')]);
  kafkaOf('geo/a').produce();
  await until(() => kafkaOf('geo/a').isDone());
  await supervisor.want([trigger('a', { event: { type: 'changed', dialect: 'millrace' } })]);
  kafkaOf('geo/a').produce();
  await until(() => kafkaOf('geo/a').isDone());
  t.strictSame(lives, ['+geo/a', '-geo/a', '+geo/a']);
  t.strictSame(
    fn.calls.map(({ headers }) => headers['ce-type']),
    ['dev.millrace.record', 'changed'],
  );
});

t.test('one that is suspended does not run, and is shown', async (t) => {
  const { supervisor, lives, states } = await supervise(t);
  await supervisor.want([trigger('a')]);
  await until(() => lives.length === 1);
  await supervisor.want([trigger('a', { suspend: true })]);
  t.strictSame(lives, ['+geo/a', '-geo/a']);
  t.match(supervisor.snapshot(), [{ state: 'suspended', reason: 'spec.suspend is true', ready: false }]);
  await supervisor.want([trigger('a')]);
  await until(() => states()['geo/a'] === 'consuming');
});

t.test('a record is skipped by the pipeline of its trigger, if that runs', async (t) => {
  const { supervisor, kafkaOf } = await supervise(t, () => 400);
  await supervisor.want([trigger('a'), trigger('b', { suspend: true })]);
  kafkaOf('geo/a').produce();
  await until(() => supervisor.blocked('geo/a', 10)?.length === 1);
  const request = { partition: 0, offset: 0n, reason: '', by: 'me', deadLetter: true, waitMs: 1_000 };
  t.match(await supervisor.skip('geo/a', request), { kind: 'settled', settlement: 'skipped' });
  t.strictSame(supervisor.blocked('geo/a', 10), []);
  for (const key of ['geo/b', 'geo/c']) {
    t.match(await supervisor.skip(key, request), { kind: 'refused', refusal: 'elsewhere' });
    t.equal(supervisor.blocked(key, 10), undefined);
  }
});

t.test('changes take effect one after the other, and the last word counts', async (t) => {
  const answer = Promise.withResolvers<number>();
  const { supervisor, lives, fn, kafkaOf, states } = await supervise(t, () => answer.promise);
  await supervisor.want([trigger('a')]);
  kafkaOf('geo/a').produce();
  await until(() => fn.calls.length === 1);
  const changes = [supervisor.want([])];
  await Promise.resolve();
  changes.push(supervisor.want([trigger('b')]), supervisor.want([trigger('a')]));
  t.strictSame(states(), { 'geo/a': 'consuming' }, 'the old one still finishes');
  answer.resolve(204);
  await Promise.all(changes);
  await until(() => states()['geo/a'] === 'consuming');
  t.strictSame(lives, ['+geo/a', '-geo/a', '+geo/a']);
  t.equal(fn.calls.length, 1);
});

t.test('all that may lie in memory is shared among the triggers', async (t) => {
  const { supervisor, kafkaOf } = await supervise(t, () => new Promise(() => undefined));
  const names = ['a', 'b', 'c'];
  await supervisor.want(names.slice(0, 1).map((name) => trigger(name)));
  await supervisor.want(names.map((name) => trigger(name)));
  for (const name of names) for (let record = 0; record < 200; record += 1) kafkaOf(`geo/${name}`).produce();
  const queued = () => supervisor.snapshot().map((one) => one.queued);
  await until(() => queued().every((count) => count >= 20));
  t.strictSame(queued(), [20, 20, 20], '60 in all');
});

import t from 'tap';
import type { Subscription } from '../../../core/contract/subscription.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { supervise, trigger } from './supervise.ts';

t.setTimeout(60_000);

/** Never answered. */
const hang = () => new Promise<never>(() => undefined);
const typed = (type: string): Partial<Subscription> => ({ event: { type, dialect: 'millrace' } });

t.test('what is new starts, what is gone stops, what is the same goes on undisturbed', async (t) => {
  const { supervisor, lives, states } = await supervise(t);
  await supervisor.want([trigger('a'), trigger('b')]);
  await until(() => lives.length === 2);
  await supervisor.want([trigger('b'), trigger('c')]);
  await until(() => lives.length === 4);
  t.strictSame(lives.toSorted(), ['+geo/a', '+geo/b', '+geo/c', '-geo/a']);
  t.strictSame(states(), { 'geo/b': 'consuming', 'geo/c': 'consuming' });
});

t.test('what changed is replaced, and goes on from where it was committed', async (t) => {
  const { supervisor, lives, fn, kafkaOf } = await supervise(t);
  await supervisor.want([trigger('a')]);
  kafkaOf('geo/a').produce();
  await until(() => kafkaOf('geo/a').isDone());
  await supervisor.want([trigger('a', typed('changed'))]);
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

t.test('deleted and created again while it drains: what runs next is the same trigger', async (t) => {
  const answer = Promise.withResolvers<number>();
  const { supervisor, lives, fn, kafkaOf, states, ended } = await supervise(t, () => answer.promise);
  await supervisor.want([trigger('a')]);
  kafkaOf('geo/a').produce();
  await until(() => fn.calls.length === 1);
  const changes = [supervisor.want([])];
  await Promise.resolve();
  changes.push(supervisor.want([trigger('a')]));
  t.strictSame(states(), { 'geo/a': 'consuming' }, 'the old one still finishes');
  answer.resolve(204);
  await Promise.all(changes);
  await until(() => states()['geo/a'] === 'consuming' && lives.length === 3);
  t.strictSame(lives, ['+geo/a', '-geo/a', '+geo/a']);
  t.equal(fn.calls.length, 1);
  t.strictSame(ended, []);
});

t.test('edited three times while it drains: only the last version starts', async (t) => {
  const answer = Promise.withResolvers<number>();
  const { supervisor, lives, fn, kafkaOf } = await supervise(t, (_call, index) =>
    index === 0 ? answer.promise : 204,
  );
  await supervisor.want([trigger('a', typed('first'))]);
  kafkaOf('geo/a').produce();
  await until(() => fn.calls.length === 1);
  const edits = ['second', 'third', 'last'].map((type) => supervisor.want([trigger('a', typed(type))]));
  answer.resolve(204);
  await Promise.all(edits);
  kafkaOf('geo/a').produce();
  await until(() => fn.calls.length === 2);
  t.strictSame(
    fn.calls.map(({ headers }) => headers['ce-type']),
    ['first', 'last'],
  );
  t.strictSame(lives, ['+geo/a', '-geo/a', '+geo/a']);
});

t.test('a drain that hangs delays no other trigger', async (t) => {
  const { supervisor, lives, fn, kafkaOf, states } = await supervise(t, hang, { drainLimitMs: 3_600_000 });
  await supervisor.want([trigger('a'), trigger('b')]);
  kafkaOf('geo/a').produce();
  await until(() => fn.calls.length === 1);
  const edited = trigger('a', typed('edited'));
  void supervisor.want([edited, trigger('b')]);
  await supervisor.want([edited, trigger('c')]);
  await until(() => states()['geo/c'] === 'consuming');
  t.strictSame(lives.toSorted(), ['+geo/a', '+geo/b', '+geo/c', '-geo/b']);
  await fn.stop();
});

t.test('a stop joins the drain of an edit, and the new version never starts', async (t) => {
  const answer = Promise.withResolvers<number>();
  const { supervisor, lives, fn, kafkaOf, ended, open } = await supervise(t, () => answer.promise);
  await supervisor.want([trigger('a')]);
  kafkaOf('geo/a').produce();
  await until(() => fn.calls.length === 1);
  const edit = supervisor.want([trigger('a', typed('edited'))]);
  await Promise.resolve();
  const stops = [supervisor.stop(), supervisor.stop()];
  answer.resolve(204);
  await Promise.all([edit, ...stops]);
  t.strictSame(lives, ['+geo/a', '-geo/a']);
  t.strictSame(ended, ['geo/a']);
  t.strictSame([supervisor.size, open], [0, { clusters: 0, watches: 0, accesses: 0 }]);
});

t.test('what has not changed is not looked into', async (t) => {
  const { supervisor } = await supervise(t);
  const opaque = (one: Subscription): Subscription =>
    Object.defineProperty(one, 'source', {
      get: () => {
        throw new Error('looked into');
      },
    });
  const a = trigger('a', { suspend: true });
  await supervisor.want([a]);
  opaque(a);
  await supervisor.want([a, trigger('b')]);
  t.equal(supervisor.snapshot().length, 2);
});

t.test('all that may lie in memory is shared among the triggers', async (t) => {
  const { supervisor, kafkaOf } = await supervise(t, hang);
  const names = ['a', 'b', 'c'];
  await supervisor.want(names.slice(0, 1).map((name) => trigger(name)));
  await supervisor.want(names.map((name) => trigger(name)));
  for (const name of names) for (let record = 0; record < 200; record += 1) kafkaOf(`geo/${name}`).produce();
  const queued = () => supervisor.snapshot().map((one) => one.queued);
  await until(() => queued().every((count) => count >= 20));
  t.strictSame(queued(), [20, 20, 20], '60 in all');
});

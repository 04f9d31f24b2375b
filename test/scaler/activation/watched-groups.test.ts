import t from 'tap';
import { createWatchedGroups, type WatchedGroupsOptions } from '../../../scaler/activation/watched-groups.ts';
import { createKnownClusters } from '../../../scaler/known-clusters.ts';
import { createWantedTriggers } from '../../../scaler/wanted-triggers.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';
import { until } from '../fixtures/until.ts';

const triggers = createWantedTriggers();
const clusters = createKnownClusters(['kafka:9092'], triggers);
const close: (() => void)[] = [];
t.teardown(() => {
  for (const one of close) one();
});
/** Watched groups, and the keys of those that they forgot. */
function setUp(options: Partial<WatchedGroupsOptions> = {}) {
  const groups = createWatchedGroups({ clusters, ...options });
  close.push(() => groups.close());
  const forgotten: string[] = [];
  groups.onForgotten((key) => forgotten.push(key));
  return { groups, forgotten };
}
const described = (name: string, metadata: Record<string, string> = { consumerGroup: 'mails' }) => ({
  namespace: 'shop',
  name,
  metadata,
});

t.test('the same description is the same group, in whatever order it is written', async (t) => {
  const { groups } = setUp();
  const key = groups.watch(described('mailer', { consumerGroup: 'mails', topic: 'orders' }));
  t.equal(groups.watch(described('mailer', { topic: 'orders', consumerGroup: 'mails' })), key);
  t.not(groups.watch(described('mailer', { topic: 'refunds', consumerGroup: 'mails' })), key);
  t.not(groups.watch(described('other', { topic: 'orders', consumerGroup: 'mails' })), key);
  t.equal(groups.count, 3);
  t.equal(groups.get(key), groups.get(key), 'the same object, as long as nothing changes');
  t.match(groups.get(key), { key, topics: ['orders'], access: undefined });
  t.throws(() => groups.get('shop/nobody'), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
});

t.test('what is wrong, or of another cluster, is watched by nobody', async (t) => {
  const { groups } = setUp();
  const foreign = { consumerGroup: 'mails', bootstrapServers: '169.254.169.254:80' };
  t.throws(() => groups.watch(described('mailer', foreign)), {
    code: 'MILLRACE_SCALER_METADATA_INVALID',
    message:
      /^ScaledObject shop\/mailer: bootstrapServers is '169.254.169.254:80'.*knows in shop: leave it out/,
  });
  t.throws(() => groups.watch(described('mailer', { topic: 'x' })), {
    code: 'MILLRACE_SCALER_METADATA_INVALID',
  });
});

t.test('what nobody has asked for a while is forgotten, unless KEDA holds a stream for it', async (t) => {
  const { groups, forgotten } = setUp({ forgetMs: 50 });
  const held = groups.watch(described('held'));
  const release = groups.hold(held);
  const idle = groups.watch(described('idle'));
  await until(() => forgotten.length === 1);
  t.strictSame(forgotten, [idle]);
  t.throws(() => groups.get(idle), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
  release();
  release();
  t.equal(groups.get(held).key, held, 'for a while from then on');
  await until(() => forgotten.length === 2);
  groups.hold(held)();
});

t.test('no more than the limit: the longest unasked goes, streams stay', async (t) => {
  const { groups, forgotten } = setUp({ limit: 2 });
  const [first, second] = ['first', 'second'].map((name) => groups.watch(described(name))) as [
    string,
    string,
  ];
  groups.watch(described('first'));
  const third = groups.watch(described('third'));
  t.throws(() => groups.get(second), { code: 'MILLRACE_TRIGGER_UNKNOWN' });
  t.strictSame(forgotten, [second]);
  groups.hold(first);
  groups.hold(third);
  t.throws(() => groups.watch(described('fourth')), {
    code: 'MILLRACE_SCALER_FULL',
    message: /shop\/fourth: the scaler already watches 2 groups/,
  });
});

const at = (...brokers: string[]) => ({ brokers, namespace: 'geo' });

t.test('a cluster that is gone takes its groups with it; one that moved is followed', async (t) => {
  const { groups, forgotten } = setUp();
  const metadata = { consumerGroup: 'mails', bootstrapServers: 'second:9092' };
  const mailer = { namespace: 'geo', name: 'mailer', metadata };
  triggers.replace([subscriptionOf('a', { source: { access: at('second:9092') } })]);
  const key = groups.watch(mailer);
  const { stalled } = groups.get(key);
  triggers.replace([subscriptionOf('a', { source: { access: at('second:9092', 'third:9092') } })]);
  groups.watch(mailer);
  t.match(groups.get(key), { access: at('second:9092', 'third:9092'), stalled });
  triggers.replace([]);
  t.throws(() => groups.watch(mailer), { code: 'MILLRACE_SCALER_METADATA_INVALID' });
  t.strictSame(forgotten, [key]);
});

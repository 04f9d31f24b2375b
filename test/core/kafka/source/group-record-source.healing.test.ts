// What goes wrong while a source runs, and mends without a restart. Against a real broker.
import t from 'tap';
import { createTopic, produce, uniqueName, useKafka, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { committedIn, join, offsetsOf, values } from '../fixtures/member.ts';

t.setTimeout(240_000);

const earliest = { initialOffset: 'earliest' as const };
const latest = { initialOffset: 'latest' as const };

async function recreate(servers: string, topic: string, partitions = 1): Promise<void> {
  await withAdmin(servers, async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    const isThere = async () => (await admin.listTopics()).includes(topic);
    await until(async () => !(await isThere()));
    const created = admin.createTopics({ topics: [{ topic, numPartitions: partitions }] });
    await created.catch(() => until(isThere));
  });
}

async function addPartitions(servers: string, topic: string, count: number): Promise<void> {
  await withAdmin(servers, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count }] }));
}

t.test(
  'a topic that came again, with more in it than was read of the first: all of it is owed',
  async (t) => {
    const servers = await useKafka(t);
    const topic = await createTopic(t, servers, { partitions: 1 });
    const settings = { topics: [topic], consumerGroup: uniqueName('again'), ...latest };
    await produce(servers, topic, values(5));
    const member = await join(t, settings);
    await until(() => member.isConsuming);
    await produce(servers, topic, values(2));
    await until(() => member.records_.length === 2);
    await member.source.commit([{ topic, partition: 0, offset: 7n, metadata: '' }]);

    await recreate(servers, topic);
    await until(() => produce(servers, topic, values(20)));
    await until(() => member.notices.some(({ kind }) => kind === 'recreated'), 60_000);
    await until(() => member.next.get(`${topic}/0`) === 20n && member.isConsuming, 60_000);
    const again = offsetsOf(member.records_).slice(2);
    // Until the id is looked at, what lies beyond the position is taken for what comes next.
    t.strictSame(
      again.slice(-20),
      Array.from({ length: 20 }, (_, offset) => offset),
    );
    const notice = member.notices.find((one) => one.kind === 'recreated');
    t.match(notice, { topic, before: /^[0-9a-f]{32}$/, now: /^[0-9a-f]{32}$/ });
    t.strictSame(await committedIn(servers, settings.consumerGroup, topic), [0], 'its start is committed');

    await member.source.stop();
    const next = await join(t, settings);
    await until(() => next.records_.length === 20);
    t.strictSame(next.partitionCounts, [0], 'whoever comes next knows that all of it is owed');
  },
);

t.test(
  'of several topics one is deleted: the others go on, and it is read from its start when it is back',
  async (t) => {
    const servers = await useKafka(t);
    const gone = await createTopic(t, servers, { partitions: 2, name: 'gone' });
    const stays = await createTopic(t, servers, { partitions: 2, name: 'stays' });
    const settings = { topics: [gone, stays], consumerGroup: uniqueName('several'), ...latest };
    const member = await join(t, settings);
    await until(() => member.isConsuming);
    await produce(servers, gone, values(3));
    await until(() => member.records_.length === 3);

    await withAdmin(servers, (admin) => admin.deleteTopics({ topics: [gone] }));
    const isFailing = () => {
      const state = member.states.at(-1);
      return state?.kind === 'failing' && state.reason.endsWith('missing');
    };
    await until(isFailing, 30_000);
    const failure = { error: { code: 'MILLRACE_TOPIC_MISSING' }, reason: `topic "${gone}" missing` };
    t.match(member.states.at(-1), failure);
    for (let batch = 1; batch <= 3; batch += 1) {
      await produce(servers, stays, values(1, 0));
      await until(() => member.records_.filter(({ topic }) => topic === stays).length === batch, 30_000);
    }
    t.notOk(member.next.has(`${gone}/0`));
    t.equal(member.states.at(-1)?.kind, 'failing', 'and it is said for as long as it lasts');

    await withAdmin(servers, (admin) =>
      admin.createTopics({ topics: [{ topic: gone, numPartitions: 1 }], waitForLeaders: false }),
    );
    await until(() => produce(servers, gone, values(4)));
    await until(() => member.next.get(`${gone}/0`) === 4n && member.isConsuming, 30_000);
    t.strictSame(offsetsOf(member.records_.filter(({ topic }) => topic === gone)).slice(3), [0, 1, 2, 3]);
    t.equal(member.records_.filter(({ topic }) => topic === stays).length, 3, 'none twice');
  },
);

t.test(
  'partitions that are added under load, to several members: read from their first record',
  async (t) => {
    const servers = await useKafka(t);
    const topic = await createTopic(t, servers, { partitions: 2 });
    const settings = { topics: [topic], consumerGroup: uniqueName('added'), ...latest };
    const members = [await join(t, settings), await join(t, settings)];
    await until(() => members.every(({ next }) => next.size === 1));
    await addPartitions(servers, topic, 6);
    await until(() => produce(servers, topic, values(5, 5)));
    for (const partition of [2, 3, 4]) await produce(servers, topic, values(5, partition));
    const startedMs = performance.now();
    await until(() => members.every(({ next }) => next.size === 3), 30_000);
    t.comment(`noticed after ${Math.round(performance.now() - startedMs)} ms`);
    const records = () => members.flatMap(({ records_ }) => records_);
    await until(() => records().length >= 20);
    for (const partition of [2, 3, 4, 5]) {
      const theirs = records().filter((one) => one.partition === partition);
      t.strictSame(offsetsOf(theirs), [0, 1, 2, 3, 4], `partition ${partition}`);
    }
  },
);

t.test(
  'a topic that matches the pattern later is read from its start, whatever the initial offset',
  async (t) => {
    const servers = await useKafka(t);
    const name = uniqueName('later');
    const first = await createTopic(t, servers, { partitions: 1, name });
    await produce(servers, first, values(3));
    const settings = { topics: [], topicPattern: `${name}-.*`, consumerGroup: name, ...latest };
    const member = await join(t, settings);
    await until(() => member.isConsuming);
    const second = await createTopic(t, servers, { partitions: 1, name });
    await produce(servers, second, values(3));
    await until(() => member.records_.length === 3, 30_000);
    t.ok(member.records_.every(({ topic }) => topic === second));
    t.strictSame(member.told.slice(0, 1), ['open 0@3']);
  },
);

t.test(
  'history that was deleted is passed over, and said: while it runs, and before it starts',
  async (t) => {
    const servers = await useKafka(t);
    const topic = await createTopic(t, servers, { partitions: 1 });
    const settings = { topics: [topic], consumerGroup: uniqueName('deleted'), ...earliest };
    const first = await join(t, settings);
    await until(() => first.isConsuming);
    await first.source.stop();
    await produce(servers, topic, values(10));
    await withAdmin(servers, async (admin) => {
      await admin.fetchTopicMetadata({ topics: [topic] });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] });
    });
    const second = await join(t, settings);
    await until(() => second.records_.length === 6);
    t.strictSame(second.notices, [{ kind: 'skipped', at: { topic, partition: 0, offset: 4n }, count: 4n }]);
  },
);

t.test('a topic that came again with fewer partitions, to two members', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 4 });
  const settings = { topics: [topic], consumerGroup: uniqueName('fewer'), ...latest };
  const members = [await join(t, settings), await join(t, settings)];
  await until(() => members.every(({ next, isConsuming }) => next.size === 2 && isConsuming), 30_000);
  await recreate(servers, topic, 2);
  await until(() => produce(servers, topic, values(5, 0)));
  await produce(servers, topic, values(5, 1));
  await until(() => members.every(({ next, isConsuming }) => next.size === 1 && isConsuming), 60_000);
  // What moves before the group has heard of the new topic comes again, for nothing is committed here.
  const seen = (partition: number) => {
    const records = members.flatMap(({ records_ }) => records_).filter((one) => one.partition === partition);
    return new Set(offsetsOf(records)).size;
  };
  await until(() => seen(0) === 5 && seen(1) === 5, 30_000);
});

t.test('an offset that the log never reached counts as none, and this is said', async (t) => {
  const servers = await useKafka(t);
  const between = new Date(2026, 0, 2).getTime();
  for (const [initialOffset, start] of [
    ['earliest', 0n],
    ['latest', 4n],
    [{ timestampMs: between }, 2n],
  ] as const) {
    const topic = await createTopic(t, servers, { partitions: 1 });
    const consumerGroup = uniqueName('beyond');
    const at = (count: number, ms: number) => values(count).map((one) => ({ ...one, timestamp: `${ms}` }));
    await produce(servers, topic, at(2, between - 1_000));
    await produce(servers, topic, at(2, between + 1_000));
    await withAdmin(servers, (admin) =>
      admin.setOffsets({ groupId: consumerGroup, topic, partitions: [{ partition: 0, offset: '500' }] }),
    );
    const member = await join(t, { topics: [topic], consumerGroup, initialOffset });
    await until(() => member.notices.length > 0);
    const reset = { kind: 'reset', at: { topic, partition: 0, offset: start }, position: 500n };
    t.strictSame(member.notices, [reset]);
    await until(async () => (await committedIn(servers, consumerGroup, topic))[0] === Number(start));
    await produce(servers, topic, values(1));
    await until(() => member.next.get(`${topic}/0`) === 5n);
    t.strictSame(offsetsOf(member.records_), [0, 1, 2, 3, 4].slice(Number(start)));
    await member.source.stop();
  }
});

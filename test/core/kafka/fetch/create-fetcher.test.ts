// Records of many partitions in few requests, from a real broker: what is at rest, what is not, and whose trouble is whose.
import t from 'tap';
import { createTopic, produce, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { follow as open, openFetcher } from '../fixtures/fetching.ts';

t.setTimeout(120_000);
const servers = await useKafka(t);

function messages(partition: number, ...values: (string | Buffer)[]) {
  return values.map((value) => ({ partition, value }));
}

t.test('what is there and what comes, in order, from where it is said', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 2 });
  await produce(servers, topic, messages(0, 'a', 'b', 'c'));
  const { follow } = openFetcher(t, servers);
  const first = follow({ topic, partition: 0 }, 1n);
  const second = follow({ topic, partition: 1 });
  await until(() => first.values.length === 2 && second.fetch.answeredMs !== undefined);
  await produce(servers, topic, [...messages(1, 'd'), ...messages(0, 'e')]);
  await until(() => first.values.length === 3 && second.values.length === 1);
  t.strictSame([first.values, second.values], [['b', 'c', 'e'], ['d']]);
  t.strictSame(
    first.found.map(({ fetchedOffset, nextOffset }) => [fetchedOffset, nextOffset]),
    [
      [1n, 3n],
      [3n, 4n],
    ],
  );
  t.equal(first.found[0]?.leaderEpoch, 0);
});

t.test(
  'who comes during a long poll is fetched beside it, then joins: at rest all is on the wire once',
  async (t) => {
    const topic = await createTopic(t, servers, { partitions: 60 });
    await produce(servers, topic, messages(59, 'a'));
    const { follow, faults, fetches, isPolling } = openFetcher(t, servers);
    const released = Promise.withResolvers<void>();
    faults.holds = released.promise;
    const resting = Array.from({ length: 59 }, (_, partition) => follow({ topic, partition }));
    await until(isPolling);
    const late = follow({ topic, partition: 59 });
    await until(() => late.values.length === 1);
    t.equal(fetches.filter(({ lane }) => lane === 'fetch').length, 1, 'during the same poll');
    released.resolve();
    faults.holds = undefined;
    await until(
      () => fetches.at(-1)?.lane === 'fetch' && fetches.filter(({ lane }) => lane === 'fetch').length > 4,
    );
    const polls = fetches.filter(({ lane }) => lane === 'fetch').map(({ bytes }) => bytes);
    t.ok((polls[0] ?? 0) > 59 * 30 && (polls.at(-1) ?? Infinity) < 60, `${polls.join(', ')} bytes`);
    t.ok(resting.every(({ fetch }) => fetch.answeredMs !== undefined));

    await produce(servers, topic, [...messages(3, 'b'), ...messages(59, 'c')]);
    await until(() => resting[3]?.values.length === 1 && late.values.length === 2);
    for (const { fetch } of [...resting, late]) fetch.pause();
    await until(() => !isPolling());
    const { length } = fetches;
    await produce(servers, topic, messages(3, 'd'));
    t.equal(fetches.length, length, 'nobody wants anything: nothing is asked for');
    resting[3]?.fetch.resume();
    await until(() => resting[3]?.values.length === 2);
  },
);

t.test(
  'who waits for the end of a poll joins then, though it is asked for beside it all the time',
  async (t) => {
    const topic = await createTopic(t, servers, { partitions: 2 });
    const { follow, faults, fetches, isPolling } = openFetcher(t, servers);
    const released = Promise.withResolvers<void>();
    faults.holds = released.promise;
    follow({ topic, partition: 0 });
    await until(isPolling);
    follow({ topic, partition: 1 });
    const inLane = (wanted: string) => fetches.filter(({ lane }) => lane === wanted);
    await until(() => inLane('prompt').length > 3 && inLane('prompt').at(-1)?.isOver === false);
    released.resolve();
    faults.holds = undefined;
    await until(() => inLane('fetch').length > 1);
    t.ok((inLane('fetch')[1]?.bytes ?? 0) > 60, 'the next poll asks for it');
    const { length } = inLane('prompt');
    await until(() => inLane('fetch').length > 2);
    t.equal(inLane('prompt').length, length, 'and nothing else does');
  },
);

t.test('what comes for an old position is for nobody', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 3 });
  const { follow, faults, isPolling } = openFetcher(t, servers);
  const released = Promise.withResolvers<void>();
  faults.holds = released.promise;
  const [sought, paused, closed] = [0, 1, 2].map((partition) => follow({ topic, partition }));
  await until(isPolling);
  await produce(
    servers,
    topic,
    [0, 1, 2].flatMap((partition) => messages(partition, 'a', 'b')),
  );
  sought?.fetch.seek(1n);
  paused?.fetch.pause();
  closed?.fetch.close();
  await until(() => sought?.values.length === 1);
  released.resolve();
  await until(() => !isPolling());
  paused?.fetch.resume();
  await until(() => paused?.values.length === 2);
  t.strictSame([sought?.values, paused?.values, closed?.values], [['b'], ['a', 'b'], []]);
});

t.test('one partition for several triggers, each from its own position', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, messages(0, 'a', 'b', 'c'));
  const { follow, isPolling } = openFetcher(t, servers);
  const all = [0n, 2n, 2n, 3n].map((offset) => follow({ topic, partition: 0 }, offset));
  await until(
    () => all[0]?.values.length === 3 && all[1]?.values.length === 1 && all[2]?.values.length === 1,
  );
  await until(isPolling);
  await produce(servers, topic, messages(0, 'd'));
  await until(() => all.every(({ values }) => values.at(-1) === 'd'));
  t.strictSame(
    all.map(({ values }) => values.join('')),
    ['abcd', 'cd', 'cd', 'd'],
  );
  all[0]?.found[0]?.records[0]?.value?.fill(0);
  t.equal(String(all[3]?.found[0]?.records[0]?.value), 'd', 'a record is of one trigger');
});

t.test('full partitions take turns (KIP-74)', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 8 });
  const value = Buffer.alloc(200_000);
  for (let round = 0; round < 4; round++)
    await produce(
      servers,
      topic,
      Array.from({ length: 8 }, (_, partition) => ({ partition, value })),
    );
  const { follow } = openFetcher(t, servers);
  const order: number[] = [];
  const all = Array.from({ length: 8 }, (_, partition) => follow({ topic, partition }));
  for (const one of all)
    one.takes = ({ partition }) => {
      order.push(partition);
      return true;
    };
  await until(() => all.every(({ values }) => values.length === 4));
  for (const partition of all.keys())
    t.ok(order.slice(0, 16).includes(partition), `${partition} has its turn in ${order.join(' ')}`);
});

t.test('a listener that throws or does not take has its own trouble, and gets the same again', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 3 });
  await produce(
    servers,
    topic,
    [0, 1, 2].flatMap((partition) => messages(partition, 'a')),
  );
  const { fetcher } = openFetcher(t, servers);
  const [throwing, refusing, sound] = [0, 1, 2].map((partition) => open(fetcher, { topic, partition }));
  let isSound = false;
  if (throwing === undefined || refusing === undefined || sound === undefined) throw new Error('three');
  throwing.takes = () => {
    if (!isSound) throw new Error('no memory');
    return true;
  };
  refusing.takes = () => isSound;
  for (const { fetch } of [throwing, refusing, sound]) {
    fetch.seek(0n);
    fetch.resume();
  }
  await until(() => throwing.troubles.length === 1 && refusing.troubles.length === 1);
  t.strictSame(sound.values, ['a']);
  t.match(throwing.troubles[0], { code: 'MILLRACE_KAFKA_FAILED', cause: { message: 'no memory' } });
  isSound = true;
  await until(() => throwing.values.length === 1 && refusing.values.length === 1);
  t.strictSame([throwing.troubles.at(-1), refusing.troubles.at(-1)], [undefined, undefined]);
});

t.test('beyond the end, and before the start, nothing is fetched until a seek', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 1 });
  await produce(servers, topic, messages(0, 'a'));
  const { follow } = openFetcher(t, servers);
  const followed = follow({ topic, partition: 0 }, 7n);
  await until(() => followed.ranges.length === 1);
  followed.fetch.pause();
  followed.fetch.resume();
  followed.fetch.seek(0n);
  await until(() => followed.values.length === 1);
  t.strictSame([followed.ranges, followed.troubles], [[undefined], []]);
});

t.test(
  'a topic that is not there is told of, does not hold up others, and is read when it comes',
  async (t) => {
    const topic = await createTopic(t, servers, { partitions: 1 });
    const missing = uniqueName('later');
    const { follow } = openFetcher(t, servers);
    const absent = follow({ topic: missing, partition: 0 });
    const present = follow({ topic, partition: 0 });
    await produce(servers, topic, messages(0, 'a'));
    await until(() => present.values.length === 1 && absent.troubles.length === 1);
    t.match(absent.troubles[0], { code: 'MILLRACE_TOPIC_MISSING' });
  },
);

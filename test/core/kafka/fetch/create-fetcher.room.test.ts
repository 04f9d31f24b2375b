// What there is no room for: it is not fetched, nor unpacked, and comes later.
import t from 'tap';
import { createTopic, produce, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { openFetcher } from '../fixtures/fetching.ts';

t.setTimeout(120_000);
const servers = await useKafka(t);

t.test(
  'a batch comes in parts, as there is room, and what has none is paused before it is asked for',
  async (t) => {
    const topic = await createTopic(t, servers, { partitions: 2 });
    const values = Array.from({ length: 40 }, (_, index) => String(index));
    for (const partition of [0, 1])
      await produce(
        servers,
        topic,
        values.map((value) => ({ partition, value })),
      );
    const { follow, fetches } = openFetcher(t, servers);
    const [small, full] = [follow({ topic, partition: 0 }), follow({ topic, partition: 1 })];
    small.room = () => 4_000;
    let refusals = 0;
    full.room = () => {
      refusals += 1;
      full.fetch.pause();
      return 0;
    };
    await until(() => small.values.length === values.length);
    t.strictSame(small.values, values);
    t.strictSame([...new Set(small.found.map(({ records }) => records.length))], [3, 1]);
    t.equal(refusals, 1);
    const asked = () =>
      fetches
        .flatMap(({ answer }) => [...(answer?.partitions.keys() ?? [])])
        .filter((key) => key.endsWith('/1'));
    const before = asked().length;
    full.fetch.resume();
    await until(() => refusals === 2);
    t.strictSame([asked().length, full.values], [before, []]);

    full.room = () => Infinity;
    full.fetch.resume();
    await until(() => full.values.length === values.length);
  },
);

t.test('one that is at rest is paused when records come and there is no room', async (t) => {
  const topic = await createTopic(t, servers, { partitions: 1 });
  const { follow, isPolling } = openFetcher(t, servers);
  const followed = follow({ topic, partition: 0 });
  await until(() => isPolling() && followed.fetch.answeredMs !== undefined);
  let asked = 0;
  followed.room = () => {
    asked += 1;
    followed.fetch.pause();
    return 0;
  };
  await produce(servers, topic, [{ value: 'a' }]);
  await until(() => asked > 0);
  t.strictSame(followed.values, []);
  followed.room = () => 1;
  followed.fetch.resume();
  await until(() => followed.values.length === 1);
});

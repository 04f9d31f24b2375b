// How partitions at rest are shared out among the polls of a broker.
import t, { type Test } from 'tap';
import type { Connections } from '../../../../core/kafka/connection/broker-connections.ts';
import { FairScheduler } from '../../../../core/kafka/fetch/fair-scheduler.ts';
import { PartitionCursor } from '../../../../core/kafka/fetch/partition-cursor.ts';
import { SessionPolls } from '../../../../core/kafka/fetch/session-polls.ts';
import type { KafkaRequest } from '../../../../core/kafka/protocol/wire-requests.ts';

const nobody = { find: () => undefined, closed: () => undefined };
const listener = { fetched: () => true, outOfRange: () => undefined, trouble: () => undefined };

/** Brokers that hold every poll until the end of the test. `sizes`: of each request, in bytes, by its lane. */
function openPolls(t: Test) {
  const sizes = new Map<string, number>();
  const joined = new Set<PartitionCursor>();
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined);
  const sendTo = <T>(_broker: unknown, { lane = 'control', encode }: KafkaRequest<T>): Promise<T> => {
    sizes.set(lane, encode().length);
    return over.promise;
  };
  const polls = new SessionPolls({
    connections: { sendTo } as unknown as Connections,
    broker: { nodeId: 1, host: 'broker', port: 9092 },
    rackId: '',
    throttle: { untilMs: 0 },
    scheduler: new FairScheduler(),
    isHere: () => true,
    onFree: () => Promise.resolve(),
    onRecords: () => undefined,
  });
  t.teardown(() => {
    for (const cursor of joined) polls.leave(cursor);
    over.reject(new Error('the test is over'));
  });
  const cursorOf = (partition: number): PartitionCursor => {
    const cursor = new PartitionCursor({ topic: 'orders', partition }, listener, nobody);
    cursor.topicId = 'a'.repeat(32);
    cursor.offset = 0n;
    joined.add(cursor);
    return cursor;
  };
  return { polls, cursorOf, lanes: () => [...sizes.keys()], sizeOf: (lane: string) => sizes.get(lane) ?? 0 };
}

const turn = (): Promise<void> => new Promise(setImmediate);

t.test('there is one poll, until it is so large that wake-ups would take long', async (t) => {
  const { polls, cursorOf, lanes } = openPolls(t);
  for (let partition = 0; partition < 2_000; partition += 1) polls.join(cursorOf(partition));
  await turn();
  t.strictSame(lanes(), ['fetch']);
});

t.test('there are two at most, which share what is more', async (t) => {
  const { polls, cursorOf, lanes, sizeOf } = openPolls(t);
  for (let partition = 0; partition < 12_000; partition += 1) polls.join(cursorOf(partition));
  await turn();
  t.strictSame(lanes().toSorted(), ['fetch', 'fetch-2']);
  const spread = sizeOf('fetch') / sizeOf('fetch-2');
  t.ok(spread > 0.95 && spread < 1.05, `${spread}`);
});

t.test('who fetches a partition too joins the same poll', async (t) => {
  const { polls, cursorOf, lanes } = openPolls(t);
  for (let partition = 0; partition < 2_000; partition += 1) polls.join(cursorOf(partition));
  const second = cursorOf(7);
  t.ok(polls.join(second));
  await turn();
  t.strictSame(lanes(), ['fetch'], 'it is no partition more');
  polls.leave(second);
  t.equal(polls.answeredMs(second), undefined);
});

t.test('where a poll is under way, and has room, whoever comes waits for it', async (t) => {
  const { polls, cursorOf, lanes } = openPolls(t);
  polls.join(cursorOf(0));
  await turn();
  t.notOk(polls.join(cursorOf(1)));
  t.strictSame(lanes(), ['fetch']);
});

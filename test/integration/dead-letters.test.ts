// Records that cannot be settled yet: without a dead-letter topic, or while it or the reply topic is missing. And failures that affect
// only one key, or one item of a batch.
import t, { type Test } from 'tap';
import { triggerManifest, useGateway, type TestGateway, type TriggerParts } from '../fixtures/gateway.ts';
import { consumeAll, createTopic, uniqueName, useKafka, withAdmin } from '../fixtures/kafka/kafka.ts';
import {
  eventId,
  serveFunction,
  type Behaviour,
  type Call,
  type OracleFunction,
} from '../fixtures/oracle/oracle-function.ts';
import { createOracle, idOf, type Oracle, type OracleOptions } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

type Setup = { oracle: Oracle; gateway: TestGateway; fn: OracleFunction; calls: Call[] };

async function setUp(
  t: Test,
  behaviour: Behaviour,
  parts: TriggerParts & { partitions?: number } = {},
  options: Partial<OracleOptions> = {},
): Promise<Setup> {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: parts.partitions ?? 1 });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group'), ...options });
  const calls: Call[] = [];
  const fn = await serveFunction(t, oracle, (call) => {
    calls.push(call);
    return behaviour(call);
  });
  const manifests = [triggerManifest(oracle, fn.uri, parts)];
  const gateway = await useGateway(t, { bootstrapServers, manifests });
  oracle.watchCommits();
  return { oracle, gateway, fn, calls };
}

async function create(t: Test, topic: string): Promise<void> {
  const bootstrapServers = await useKafka(t);
  const created = { topic, numPartitions: 1, replicationFactor: 1 };
  await withAdmin(bootstrapServers, (admin) => admin.createTopics({ topics: [created] }));
  t.teardown(() => withAdmin(bootstrapServers, (admin) => admin.deleteTopics({ topics: [topic] })));
}

async function metric({ gateway }: Setup, line: RegExp): Promise<number> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const found = text.split('\n').find((one) => line.test(one));
  return Number(found?.split(' ').at(-1) ?? 0);
}

const rejectsFirst: Behaviour = ({ receipts: [receipt] }) => ({ status: receipt!.offset === 0n ? 400 : 204 });

t.test('a trigger settles nothing while its dead-letter topic is missing', async (t) => {
  const deadLetterTopic = uniqueName('dead-later');
  const setup = await setUp(t, rejectsFirst, {}, { deadLetterTopic });
  const { oracle } = setup;
  await oracle.produce(5);
  await until(() => metric(setup, /^millrace_store_failures_total\{.*dead letter/));
  t.strictSame(await oracle.committed(), new Map([[0, 0n]]));
  t.equal(oracle.receipts.length, 1, 'the function is called once, and no record overtakes the failed one');

  await create(t, deadLetterTopic);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.equal(verdict.deadLettered, 1);
  t.equal(verdict.delivered, 4);
});

t.test('a trigger settles nothing while its reply topic is missing', async (t) => {
  const topic = uniqueName('replies-later');
  const reply: Behaviour = ({ receipts: [receipt] }) => ({
    status: 200,
    headers: {
      'ce-specversion': '1.0',
      'ce-id': `reply-${receipt!.offset}`,
      'ce-source': '/test',
      'ce-type': 'reply',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ id: receipt!.id }),
  });
  const setup = await setUp(t, reply, { reply: { topic } });
  const { oracle } = setup;
  await oracle.produce(5);
  await until(() => metric(setup, /^millrace_store_failures_total\{.*reply/));
  t.strictSame(await oracle.committed(), new Map([[0, 0n]]));
  t.equal(oracle.receipts.length, 1, 'delivered once, and held for the reply');

  await create(t, topic);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, [], 'storing a reply repeats no request');
  const replies = await consumeAll(oracle.options.bootstrapServers, topic);
  t.strictSame(
    replies.map(({ value }) => idOf(value)),
    ['r1', 'r2', 'r3', 'r4', 'r5'],
  );
});

t.test(
  'without a dead-letter topic a failure blocks only its lane, until the function is fixed',
  async (t) => {
    let isFixed = false;
    const setup = await setUp(
      t,
      ({ receipts: [receipt] }) => ({
        status: receipt!.partition === 0 && receipt!.offset === 3n && !isFixed ? 422 : 204,
      }),
      { partitions: 3 },
    );
    const { oracle, gateway } = setup;
    const messages = [0, 1, 2].flatMap((partition) =>
      Array.from({ length: 10 }, (_, index) => ({ partition, value: `{"id":"p${partition}-${index}"}` })),
    );
    await oracle.send(messages);
    await until(() => oracle.delivered === 23 && gateway.trigger().blocked === 1);
    t.equal(await metric(setup, /^millrace_blocked_lanes\{/), 1);
    await until(async () => (await oracle.committed()).get(1) === 10n);
    t.equal((await oracle.committed()).get(0), 3n);
    t.equal(oracle.receipts.filter(({ partition, offset }) => partition === 0 && offset > 3n).length, 0);

    isFixed = true;
    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(verdict.duplicates, []);
    t.equal(verdict.delivered, 30);
    t.equal(gateway.trigger().blocked, 0);
  },
);

t.test('ordering key: a failing key parks only its own lane', async (t) => {
  let isFixed = false;
  const setup = await setUp(
    t,
    ({ headers }) => ({ status: headers['ce-partitionkey'] === 'k3' && !isFixed ? 500 : 204 }),
    { partitions: 2 },
    { ordering: 'key' },
  );
  const { oracle } = setup;
  await oracle.produce(200, { keys: 10 });
  await until(() => oracle.delivered === 180);
  isFixed = true;
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.equal(verdict.delivered, 200);
});

t.test('only the failed items of a batch are retried, then dead-lettered', async (t) => {
  const bootstrapServers = await useKafka(t);
  const deadLetterTopic = await createTopic(t, bootstrapServers, { partitions: 1, name: 'dead' });
  const isHopeless = (offset: bigint): boolean => offset % 10n === 7n;
  const setup = await setUp(
    t,
    ({ receipts }) => {
      const failed = receipts.filter(
        ({ offset, attempt }) => isHopeless(offset) || (offset % 10n === 3n && attempt === 1),
      );
      const batchItemFailures = failed.map((receipt) => ({ itemIdentifier: eventId(receipt) }));
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ batchItemFailures }),
      };
    },
    {
      partitions: 2,
      function: { contentMode: 'batched', batch: { maxEvents: 20, maxWait: 'PT0.02S' } },
      delivery: { retry: 1 },
    },
    { deadLetterTopic, ordering: 'none' },
  );
  const { oracle, calls } = setup;
  await oracle.produce(400);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, [], 'delivered items of a batch are not sent again with the failed ones');
  t.equal(
    verdict.deadLettered,
    oracle.receipts.filter(({ offset, attempt }) => isHopeless(offset) && attempt === 2).length,
  );
  t.equal(verdict.delivered + verdict.deadLettered, 400);
  t.ok(calls.some(({ receipts }) => receipts.length > 1));
  t.ok(calls.every(({ receipts }) => receipts.length <= 20));
  t.ok(oracle.receipts.every(({ attempt }) => attempt <= 2));
});

for (const ordering of ['partition', 'key'] as const) {
  t.test(
    `batches keep the order when the function fails some items once: ordering ${ordering}`,
    async (t) => {
      const setup = await setUp(
        t,
        ({ receipts }) => {
          // Fails everything in a lane from its first failure on: later records of the lane must not be accepted before it.
          const failed = new Set<string>();
          const batchItemFailures: { itemIdentifier: string }[] = [];
          for (const receipt of receipts) {
            const key = laneKey(receipt.partition, receipt.id, ordering);
            if (failed.has(key) || (receipt.offset % 25n === 7n && receipt.attempt === 1)) {
              failed.add(key);
              batchItemFailures.push({ itemIdentifier: eventId(receipt) });
            }
          }
          return { status: 200, body: JSON.stringify({ batchItemFailures }) };
        },
        { partitions: 2, function: { contentMode: 'batched', batch: { maxEvents: 10, maxWait: 'PT0.02S' } } },
        { ordering },
      );
      await setup.oracle.produce(400, { keys: 10 });
      const verdict = await setup.oracle.verdict();
      t.strictSame(verdict.problems, []);
      t.strictSame(verdict.duplicates, []);
      t.equal(verdict.delivered, 400);
    },
  );
}

/** The oracle assigns keys in rotation, so the number in the id gives the key. */
function laneKey(partition: number, id: string | undefined, ordering: 'partition' | 'key'): string {
  return ordering === 'partition' ? String(partition) : String(Number(id?.slice(1)) % 10);
}

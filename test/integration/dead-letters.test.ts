// What cannot be settled yet: no dead-letter topic, a missing one, a missing reply topic; and failures that stay where they
// belong: one key, one item of a batch.
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

type Stage = { oracle: Oracle; gateway: TestGateway; fn: OracleFunction; calls: Call[] };

async function setUp(
  t: Test,
  behaviour: Behaviour,
  parts: TriggerParts & { partitions?: number } = {},
  options: Partial<OracleOptions> = {},
): Promise<Stage> {
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

async function metric({ gateway }: Stage, line: RegExp): Promise<number> {
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const found = text.split('\n').find((one) => line.test(one));
  return Number(found?.split(' ').at(-1) ?? 0);
}

const rejectsFirst: Behaviour = ({ receipts: [receipt] }) => ({ status: receipt!.offset === 0n ? 400 : 204 });

t.test('the dead-letter topic is missing: nothing is settled, until it is there', async (t) => {
  const deadLetterTopic = uniqueName('dead-later');
  const stage = await setUp(t, rejectsFirst, {}, { deadLetterTopic });
  const { oracle } = stage;
  await oracle.produce(5);
  await until(() => metric(stage, /^millrace_store_failures_total\{.*dead letter/));
  t.strictSame(await oracle.committed(), new Map([[0, 0n]]));
  t.equal(oracle.receipts.length, 1, 'asked once, and nothing behind it has passed it');

  await create(t, deadLetterTopic);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.equal(verdict.deadLettered, 1);
  t.equal(verdict.delivered, 4);
});

t.test('the reply topic is missing: nothing is settled, until it is there', async (t) => {
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
  const stage = await setUp(t, reply, { reply: { topic } });
  const { oracle } = stage;
  await oracle.produce(5);
  await until(() => metric(stage, /^millrace_store_failures_total\{.*reply/));
  t.strictSame(await oracle.committed(), new Map([[0, 0n]]));
  t.equal(oracle.receipts.length, 1, 'delivered once, and kept for the reply');

  await create(t, topic);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, [], 'no request is made again for a reply');
  const replies = await consumeAll(oracle.options.bootstrapServers, topic);
  t.strictSame(
    replies.map(({ value }) => idOf(value)),
    ['r1', 'r2', 'r3', 'r4', 'r5'],
  );
});

t.test(
  'no dead letter: the lane is blocked, the others flow, and it goes on when the function is mended',
  async (t) => {
    let isMended = false;
    const stage = await setUp(
      t,
      ({ receipts: [receipt] }) => ({
        status: receipt!.partition === 0 && receipt!.offset === 3n && !isMended ? 422 : 204,
      }),
      { partitions: 3 },
    );
    const { oracle, gateway } = stage;
    const messages = [0, 1, 2].flatMap((partition) =>
      Array.from({ length: 10 }, (_, index) => ({ partition, value: `{"id":"p${partition}-${index}"}` })),
    );
    await oracle.send(messages);
    await until(() => oracle.delivered === 23 && gateway.trigger().blocked === 1);
    t.equal(await metric(stage, /^millrace_blocked_lanes\{/), 1);
    await until(async () => (await oracle.committed()).get(1) === 10n);
    t.equal((await oracle.committed()).get(0), 3n);
    t.equal(oracle.receipts.filter(({ partition, offset }) => partition === 0 && offset > 3n).length, 0);

    isMended = true;
    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(verdict.duplicates, []);
    t.equal(verdict.delivered, 30);
    t.equal(gateway.trigger().blocked, 0);
  },
);

t.test('ordering key: one failing key parks alone', async (t) => {
  let isMended = false;
  const stage = await setUp(
    t,
    ({ headers }) => ({ status: headers['ce-partitionkey'] === 'k3' && !isMended ? 500 : 204 }),
    { partitions: 2 },
    { ordering: 'key' },
  );
  const { oracle } = stage;
  await oracle.produce(200, { keys: 10 });
  await until(() => oracle.delivered === 180);
  isMended = true;
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.equal(verdict.delivered, 200);
});

t.test('batches with failed items: those alone are tried again, then dead-lettered', async (t) => {
  const bootstrapServers = await useKafka(t);
  const deadLetterTopic = await createTopic(t, bootstrapServers, { partitions: 1, name: 'dead' });
  const isHopeless = (offset: bigint): boolean => offset % 10n === 7n;
  const stage = await setUp(
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
  const { oracle, calls } = stage;
  await oracle.produce(400);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, [], 'what a batch has delivered is not sent again with what it has not');
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
  t.test(`batches in order, with a function that fails some items once: ordering ${ordering}`, async (t) => {
    const stage = await setUp(
      t,
      ({ receipts }) => {
        // Everything from the first failure of a lane on: what comes after it in its lane must not be taken before it.
        const failed = new Set<string>();
        const batchItemFailures: { itemIdentifier: string }[] = [];
        for (const receipt of receipts) {
          const key = stageKey(receipt.partition, receipt.id, ordering);
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
    await stage.oracle.produce(400, { keys: 10 });
    const verdict = await stage.oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(verdict.duplicates, []);
    t.equal(verdict.delivered, 400);
  });
}

/** The oracle's keys go round: the number in the id tells the key. */
function stageKey(partition: number, id: string | undefined, ordering: 'partition' | 'key'): string {
  return ordering === 'partition' ? String(partition) : String(Number(id?.slice(1)) % 10);
}

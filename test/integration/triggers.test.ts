// Triggers that are edited while they run keep their offsets. Functions that answer nothing do not make memory grow.
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { triggerManifest, useGateway } from '../fixtures/gateway.ts';
import { createTopic, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { accepts, serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

t.test('an edited manifest suspends and resumes a trigger under load', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 3 });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
  const { uri } = await serveFunction(t, oracle, async () => {
    await delay(3);
    return { status: 204 };
  });
  const gateway = await useGateway(t, { bootstrapServers, manifests: [triggerManifest(oracle, uri)] });
  oracle.watchCommits();
  const endLoad = oracle.load();
  await until(() => oracle.delivered > 100);

  await gateway.edit([triggerManifest(oracle, uri, { suspend: true })]);
  await until(() => gateway.trigger().state === 'suspended' && oracle.inFlight === 0);
  const received = oracle.receipts.length;
  const stored = oracle.acknowledged;
  await until(() => oracle.acknowledged > stored + 100);
  t.equal(oracle.receipts.length, received, 'a suspended trigger delivers nothing');

  await gateway.edit([triggerManifest(oracle, uri)]);
  await until(() => oracle.receipts.length > received + 100);
  await endLoad();
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
});

t.test('a changed filter continues at the committed offset', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 3 });
  const group = uniqueName('group');
  let isFirst = true;
  const dropped = new Set<string>();
  const oracle = createOracle(t, {
    bootstrapServers,
    topic,
    group,
    isFiltered: ({ id = '' }) => dropped.has(id),
  });
  const { uri } = await serveFunction(t, oracle);
  const only = (type: string): string => triggerManifest(oracle, uri, { filters: [{ exact: { type } }] });
  const gateway = await useGateway(t, { bootstrapServers, manifests: [only('a')] });
  oracle.watchCommits();
  const send = async (from: number): Promise<void> => {
    const messages = Array.from({ length: 100 }, (_, index) => {
      const type = index % 2 === 0 ? 'a' : 'b';
      const id = `${type}${from + index}`;
      if ((type === 'a') !== isFirst) dropped.add(id);
      const headers = { ce_specversion: '1.0', ce_id: id, ce_source: '/test', ce_type: type };
      return { key: id, value: JSON.stringify({ id }), headers };
    });
    await oracle.send(messages);
  };
  await send(0);
  await until(async () => (await oracle.backlog()) === 0n);
  t.equal(gateway.trigger().filtered, 50);

  isFirst = false;
  await gateway.edit([only('b')]);
  await until(() => gateway.trigger().ready && gateway.trigger().filtered === 0);
  await send(1_000);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.equal(verdict.delivered, 100);
  t.equal(verdict.filtered, 100);
});

t.test('an invalid manifest changes nothing, and a removed one stops its trigger', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
  const { uri } = await serveFunction(t, oracle);
  const good = triggerManifest(oracle, uri);
  const gateway = await useGateway(t, { bootstrapServers, manifests: [good] });
  await until(() => gateway.trigger().ready);
  await gateway.edit(['{"kind": "Trigger", "apiVersion": "millrace.dev/v1alpha1", "spec": {}}']);
  await oracle.produce(10);
  await until(() => oracle.delivered === 10);
  t.ok(gateway.trigger().ready);

  await gateway.edit(['{}']);
  await until(() => gateway.snapshot().length === 0);
  await oracle.produce(10);
  await gateway.edit([good]);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.equal(verdict.delivered, 20);
});

t.test(
  'a backlog of 100,000 records stays within the memory budget while the function answers nothing',
  async (t) => {
    const bootstrapServers = await useKafka(t);
    const topic = await createTopic(t, bootstrapServers, { partitions: 6 });
    const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
    await oracle.produce(100_000, { perRequest: 5_000 });
    const fn = await serveFunction(t, oracle, () => new Promise(() => undefined));
    const parts = { delivery: { timeout: 'PT10M' }, function: { concurrency: 4 } };
    const budget = 6_000;
    const env = { MILLRACE_MAX_RECORDS_PER_TRIGGER: String(budget) };
    const manifests = [triggerManifest(oracle, fn.uri, parts)];
    const gateway = await useGateway(t, { bootstrapServers, manifests, env });
    const paused = new Set<number>();
    let most = 0;
    gateway.events.on('paused', (_subscription, { partition }) => void paused.add(partition));
    gateway.events.on('fetched', () => (most = Math.max(most, gateway.trigger().queued)));
    await until(() => paused.size === 6);
    await until(() => gateway.trigger().inFlight === 4);
    // One fetch may exceed the rest of the budget: it brings 256 KiB per partition, some 2,000 of these records.
    t.ok(most < budget + 6 * 4_500, `${most} records in memory, of 100,000`);
    t.equal(oracle.delivered, 0);

    fn.behave(accepts);
    await fn.refuse();
    await fn.accept();
    await until(() => oracle.delivered > 20_000, 60_000);
    t.ok(most < budget + 6 * 4_500, `${most} records in memory, of 100,000`);
    t.comment(`${most} records in memory at most, the budget is ${budget}`);
  },
);

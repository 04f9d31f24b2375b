// Triggers of one gateway share its event loop: a large backlog of one must not delay the others. The test measures work, not time: how
// many records the neighbours settle while one record of a quiet trigger passes through the gateway.
import t from 'tap';
import { startFunction } from '../fixtures/function-server.ts';
import { useGateway } from '../fixtures/gateway.ts';
import { createTopic, kafkaClient, useKafka } from '../fixtures/kafka/kafka.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(115_000);

const neighbours = 3;
const backlog = 60_000;
/** Records of the neighbours: some 12,000 without fair scheduling, 1,300 with it. */
const most = 6_000;

function manifest(name: string, topic: string, uri: string, spec: object): string {
  const source = { topics: [topic], initialOffset: 'earliest' };
  const metadata = { name, namespace: 'fair' };
  const body = { source, function: { uri }, delivery: { ordering: 'none' }, ...spec };
  return JSON.stringify({ apiVersion: 'millrace.dev/v1alpha1', kind: 'Trigger', metadata, spec: body });
}

t.test('the gateway serves a quiet trigger while its neighbours filter out a large backlog', async (t) => {
  const bootstrapServers = await useKafka(t);
  const [noisy, quiet] = [
    await createTopic(t, bootstrapServers, { partitions: 6, name: 'noisy' }),
    await createTopic(t, bootstrapServers, { partitions: 1, name: 'quiet' }),
  ];
  const producer = kafkaClient(bootstrapServers).producer();
  await producer.connect();
  t.teardown(() => producer.disconnect());
  const value = JSON.stringify({ text: 'x'.repeat(200) });
  const headers = Object.fromEntries(
    Array.from({ length: 8 }, (_, index) => [`header-${index}`, 'y'.repeat(10)]),
  );
  for (let from = 0; from < backlog; from += 500) {
    const messages = Array.from({ length: 500 }, () => ({ value, headers }));
    await producer.send({ topic: noisy, messages });
  }
  const fn = await startFunction(t);
  const listening = manifest('quiet', quiet, fn.origin, {});
  const gateway = await useGateway(t, { bootstrapServers, manifests: [listening] });
  await until(() => gateway.trigger().ready, 60_000);

  let dropped = 0;
  const fetched: number[] = [];
  const meanwhile: number[] = [];
  gateway.events.on('fetched', ({ name }, records) => {
    if (name === 'quiet') for (let record = 0; record < records; record += 1) fetched.push(dropped);
  });
  gateway.events.on('settled', ({ name }) => {
    if (name !== 'quiet') dropped += 1;
    else meanwhile.push(dropped - fetched[meanwhile.length]!);
  });
  const filters = [{ exact: { type: 'nothing' } }];
  const names = Array.from({ length: neighbours }, (_, index) => `noisy-${index}`);
  await gateway.edit([listening, ...names.map((name) => manifest(name, noisy, fn.origin, { filters }))]);

  const sends: Promise<unknown>[] = [];
  await until(async () => {
    sends.push(producer.send({ topic: quiet, messages: [{ value: '{}' }] }));
    return dropped === neighbours * backlog;
  }, 90_000);
  await Promise.all(sends);
  await until(() => meanwhile.length === sends.length);
  // Records before or after the noise prove nothing.
  const busy = meanwhile.filter((count) => count > 0).sort((a, b) => a - b);
  t.ok(busy.length > 0, 'there was noise');
  const median = busy[Math.floor(busy.length / 2)]!;
  t.ok(median <= most, `half of ${busy.length} records waited for ${median} of others`);
});

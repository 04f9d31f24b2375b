// An operator skips a record that cannot be settled, with the command `skip` in a process of its own.
import t from 'tap';
import { runCli } from '../cli/fixtures/run-cli.ts';
import { triggerManifest, useGateway } from '../fixtures/gateway.ts';
import { consumeAll, createTopic, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import { serveFunction } from '../fixtures/oracle/oracle-function.ts';
import { createOracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(120_000);

t.test('without a dead-letter topic, skip unblocks the lane and prints the record', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 2 });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
  const fn = await serveFunction(t, oracle, ({ receipts: [receipt] }) => ({
    status: receipt!.partition === 1 && receipt!.offset === 2n ? 422 : 204,
  }));
  const gateway = await useGateway(t, { bootstrapServers, manifests: [triggerManifest(oracle, fn.uri)] });
  const messages = Array.from({ length: 5 }, (_, index) => ({
    partition: 1,
    key: 'k',
    value: `{"id":"r${index}"}`,
    headers: { h: 'x' },
  }));
  await oracle.send(messages);
  await until(() => gateway.trigger().blocked === 1);

  const listed = await fetch(`${gateway.adminUrl}/v1/triggers/default/tested/blocked`);
  const { blocked } = (await listed.json()) as { blocked: { partition: number; offset: string }[] };
  t.match(blocked, [{ topic, partition: 1, offset: '2', keyBytes: 1, reason: 'rejected', status: 422 }]);
  const [{ partition, offset }] = blocked as [(typeof blocked)[0]];
  const { code, stdout } = await runCli(t, [
    ...['skip', 'default/tested', '--partition', `${partition}`, '--offset', offset],
    ...['--reason', 'no use', '--gateway', 'http://127.0.0.1:1', '--gateway', gateway.adminUrl],
  ]);
  t.equal(code, 0);
  t.match(JSON.parse(stdout), {
    trigger: 'default/tested',
    topic,
    partition: 1,
    offset: '2',
    settlement: 'skipped',
    cause: { reason: 'rejected', status: 422 },
    record: {
      key: Buffer.from('k').toString('base64'),
      value: Buffer.from('{"id":"r2"}').toString('base64'),
      headers: [{ name: 'h', value: Buffer.from('x').toString('base64') }],
    },
  });
  t.ok(((await oracle.committed()).get(1) ?? 0n) >= 3n, 'the skip is committed before the command ends');
  await until(async () => (await oracle.committed()).get(1) === 5n);
  t.strictSame(
    oracle.receipts.filter(({ offset: one }) => one > 2n).map(({ offset: one }) => one),
    [3n, 4n],
  );
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  t.match(metrics, /^millrace_settled_records_total\{[^}]*settlement="skipped"[^}]*\} 1$/m);
  t.match(gateway.trigger(), { blocked: 0, skipped: 1, delivered: 4, queued: 0 });

  const again = await runCli(t, [
    'skip',
    'tested',
    '--partition',
    '1',
    '--offset',
    '2',
    '--gateway',
    gateway.adminUrl,
  ]);
  t.equal(again.code, 1);
  t.match(again.stderr, /settled already.*\n {2}MILLRACE_SKIP_REFUSED/);
});

t.test('with a dead-letter topic, skip stores a record there that waits for a retry', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  const deadLetterTopic = await createTopic(t, bootstrapServers, { partitions: 1, name: 'dead' });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group'), deadLetterTopic });
  const fn = await serveFunction(t, oracle, ({ receipts: [receipt] }) => ({
    status: receipt!.offset === 0n ? 500 : 204,
  }));
  const delivery = { retry: -1, backoffDelay: 'PT10M', backoffMax: 'PT10M' };
  const manifests = [triggerManifest(oracle, fn.uri, { delivery })];
  const gateway = await useGateway(t, { bootstrapServers, manifests });
  await oracle.produce(3);
  await until(() => oracle.receipts.length === 1 && gateway.trigger().inFlight === 0);
  const { code, stdout } = await runCli(t, [
    ...['skip', 'default/tested', '--topic', topic, '--partition', '0', '--offset', '0'],
    ...['--gateway', gateway.adminUrl],
  ]);
  t.equal(code, 0);
  t.match(JSON.parse(stdout), {
    deadLetter: { topic: deadLetterTopic, partition: 0, offset: '0' },
    attempts: 1,
  });
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.match({ delivered: verdict.delivered, dead: verdict.deadLettered }, { delivered: 2, dead: 1 });
  const [letter] = await consumeAll(bootstrapServers, deadLetterTopic);
  t.equal(String(letter!.headers['millrace-reason']), 'skipped');
});

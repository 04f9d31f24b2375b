import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { consumeAll, createTopic, produce, uniqueName, useKafka } from '../../fixtures/kafka/kafka.ts';
import { startCli } from '../fixtures/run-cli.ts';
import { isGone } from '../fixtures/is-gone.ts';

const server = join(import.meta.dirname, '../runtime/fixtures/server.js');

t.test('dev', async (t) => {
  const KAFKA_BROKERS = await useKafka(t);
  const topic = await createTopic(t, KAFKA_BROKERS, { partitions: 2 });
  const group = uniqueName('dev');
  const deployment = (command: string): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: one
  annotations:
    millrace.dev/topics: ${topic}
    millrace.dev/consumer-group: ${group}
    millrace.dev/initial-offset: earliest
    millrace.dev/cooldown-period: '1'
    millrace.dev/dev-command: '"${process.execPath}" server.js ${command}'
`;
  const folder = t.testdir({ 'one.yaml': deployment('polite') });
  await cp(server, join(folder, 'server.js'));
  const dev = startCli(t, ['dev', folder], { env: { KAFKA_BROKERS } });
  await dev.output(/^ADMIN_URL=/m);

  t.test('wakes a function for a record, and puts it to sleep', async (t) => {
    await produce(KAFKA_BROKERS, topic, [{ value: 'a' }]);
    const [, pid] = await dev.output(/^default\/one\[0\] pid (\d+)$/m);
    await dev.output(/^default\/one .* 1 delivered$/m);
    await dev.output(/^default\/one\[0\] SIGTERM received$/m);
    await dev.output(/^default\/one 0\/0 ready, .* 1 delivered$/m);
    t.ok(await isGone(Number(pid)));
  });

  t.test('takes over an edit, and refuses a mistaken one', async (t) => {
    await writeFile(join(folder, 'one.yaml'), deployment('polite child'));
    await writeFile(join(folder, 'two.yaml'), deployment('').replace('topics:', 'topcis:'));
    await dev.output(/the manifests have mistakes, so the triggers stay as they were:\n.*two\.yaml.*topcis/);
    await writeFile(join(folder, 'two.yaml'), '');
    await sleep(500); // the edit is read after a pause
    await produce(KAFKA_BROKERS, topic, [{ value: 'b' }]);
    const [, child] = await dev.output(/^default\/one\[0\] child (\d+)$/m);
    await dev.output(/^default\/one .* 2 delivered$/m);
    dev.interrupt();
    const { code, stdout } = await dev.ended;
    t.equal(code, 0);
    t.match(stdout, /\nstopping: waiting for requests in flight .*\n(.*\n)*stopped\n$/);
    t.ok(await isGone(Number(child)), 'nothing outlives the command');
    t.equal((await consumeAll(KAFKA_BROKERS, topic)).length, 2, 'a Kafka that is not ours is left as it was');
  });

  t.test(
    'as JSON, with messages on standard error, and a trigger by the name that commands take',
    async (t) => {
      const trigger = `apiVersion: millrace.dev/v1alpha1
kind: Trigger
metadata: { name: two, namespace: shop }
spec:
  source: { topics: [${topic}], consumerGroup: ${uniqueName('dev')} }
  function: { ref: { name: two } }
`;
      const other = t.testdir({
        'two.yaml': trigger,
        'deployment.yaml': deployment('').replace(/annotations:[^]*/, ''),
      });
      const json = startCli(t, ['dev', other, '--json'], { env: { KAFKA_BROKERS } });
      await json.output(/^\{"adminUrl":"http:.*","kafkaBrokers":".+"\}$/m);
      await json.output(/^\{"trigger":"shop\/two","backlog":0,"inFlight":0,"replicas":null,/m);
      json.interrupt();
      const { stdout, stderr } = await json.ended;
      t.ok(
        stdout
          .trimEnd()
          .split('\n')
          .every((line) => line.startsWith('{')),
      );
      t.match(
        stderr,
        /shop\/two: records are held, because no manifest declares the Deployment shop\/two: add it/,
      );
    },
  );
});

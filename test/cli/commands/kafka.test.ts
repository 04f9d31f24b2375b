// `millrace kafka` as a shell sees it: one line on stdout, an exit code, and nothing left behind.

import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import t from 'tap';
import { runKafkaCommand, type CommandIo } from '../../../cli/commands/kafka.ts';
import { createTopic } from '../../fixtures/kafka/kafka.ts';

t.setTimeout(180_000);

type Shell = { io: CommandIo; stdout: PassThrough; interrupt(): void; said(): string };

function shell(): Shell {
  const stdout = new PassThrough({ encoding: 'utf8' });
  const stderr = new PassThrough({ encoding: 'utf8' });
  const controller = new AbortController();
  const said = (): string => String(stderr.read() ?? '');
  return {
    io: { stdout, stderr, signal: controller.signal },
    stdout,
    interrupt: () => controller.abort(),
    said,
  };
}

t.test('says where Kafka is, runs until it is asked to end, and exits with 0', async (t) => {
  const { io, stdout, interrupt, said } = shell();
  const exitCode = runKafkaCommand({}, io);
  const [line] = (await once(stdout, 'data')) as [string];
  t.match(line, /^KAFKA_BROKERS=127\.0\.0\.1:\d+\n$/);
  await createTopic(t, line.trim().replace('KAFKA_BROKERS=', ''), { partitions: 1 });
  interrupt();
  t.equal(await exitCode, 0);
  t.notMatch(said(), /died/);
});

t.test('refuses a number of brokers that makes no quorum', async (t) => {
  const { io, said } = shell();
  t.equal(await runKafkaCommand({ brokers: 2 }, io), 2);
  t.equal(said(), '--brokers must be 1 or 3, not 2.\n');
});

t.test('a port that is taken ends it with 1 and a line', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { io, said } = shell();
  t.equal(await runKafkaCommand({ port }, io), 1);
  t.match(said(), new RegExp(`^Port ${port} on 127\\.0\\.0\\.1 is in use`, 'm'));
});

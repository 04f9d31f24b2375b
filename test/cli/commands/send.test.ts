import t from 'tap';
import { consumeAll, createTopic, uniqueName, useKafka } from '../../fixtures/kafka/kafka.ts';
import { runCli } from '../fixtures/run-cli.ts';

t.test('send', async (t) => {
  const KAFKA_BROKERS = await useKafka(t);
  const env = { KAFKA_BROKERS };

  t.test('stores one record of all its input', async (t) => {
    const topic = await createTopic(t, KAFKA_BROKERS, { partitions: 1 });
    const { code, stdout } = await runCli(t, ['send', topic, '--key', 'k', '--header', 'a=1'], {
      env,
      input: 'x\ny\n',
    });
    t.match({ code, stdout }, { code: 0, stdout: `${topic} partition 0 offset 0\n` });
    const [record] = await consumeAll(KAFKA_BROKERS, topic);
    t.match(record, {
      key: Buffer.from('k'),
      value: Buffer.from('x\ny\n'),
      headers: { a: Buffer.from('1') },
    });
  });

  t.test('stores a record per line, in their order, and prints where as JSON', async (t) => {
    const topic = await createTopic(t, KAFKA_BROKERS, { partitions: 1 });
    const values = Array.from({ length: 3000 }, (_, index) => `line ${index} ö`);
    const file = `${t.testdir({ lines: values.join('\n') })}/lines`;
    const { code, stdout } = await runCli(t, ['send', topic, '--lines', '--json', '--file', file], { env });
    t.equal(code, 0);
    const places = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    t.equal(places.length, values.length);
    t.strictSame(places.at(-1), { topic, partition: 0, offset: values.length - 1 });
    t.strictSame(
      (await consumeAll(KAFKA_BROKERS, topic)).map(({ value }) => String(value)),
      values,
    );
  });

  t.test('stores CloudEvents', async (t) => {
    const topic = await createTopic(t, KAFKA_BROKERS, { partitions: 1 });
    const event = ['--type', 'x.y', '--id', '7', '--source', '/me'];
    await runCli(t, ['send', topic, ...event], { env, input: '{}' });
    await runCli(t, ['send', topic, ...event, '--structured'], { env, input: '{}' });
    const [binary, structured] = await consumeAll(KAFKA_BROKERS, topic);
    t.match(binary?.headers, { ce_id: Buffer.from('7'), ce_type: Buffer.from('x.y') });
    t.match(JSON.parse(String(structured?.value)), { id: '7', type: 'x.y', source: '/me', data: {} });
  });

  t.test('stores a tombstone', async (t) => {
    const topic = await createTopic(t, KAFKA_BROKERS, { partitions: 1 });
    t.equal((await runCli(t, ['send', topic, '--key', 'k', '--null'], { env })).code, 0);
    t.match(await consumeAll(KAFKA_BROKERS, topic), [{ key: Buffer.from('k'), value: null }]);
  });

  t.test('create-topics creates those that are missing', async (t) => {
    const [one, two] = [uniqueName('one'), uniqueName('two')];
    const create = (...more: string[]) => runCli(t, ['create-topics', one, ...more], { env });
    t.match(await create('--partitions', '3'), { code: 0, stdout: `created ${one} with 3 partitions\n` });
    const { stdout } = await create(two, '--json');
    t.strictSame(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
      [
        { topic: one, created: false },
        { topic: two, created: true, partitions: 6 },
      ],
    );
    t.equal((await runCli(t, ['send', two], { env, input: 'x' })).code, 0, 'it can be written at once');
    t.match(await create('a b'), { code: 2, stdout: '', stderr: /a b cannot be a topic/ });
  });

  t.test('says what is wrong', async (t) => {
    const missing = await runCli(t, ['send', 'no-such-topic'], { env, input: 'x' });
    t.match(missing, {
      code: 1,
      stdout: '',
      stderr: /^millrace: there is no topic no-such-topic\n {2}MILLRACE_TOPIC_MISSING/,
    });
    const nowhere = await runCli(t, ['send', 'x'], { env: { KAFKA_BROKERS: '' }, input: 'x' });
    t.match(nowhere, { code: 2, stderr: /KAFKA_BROKERS is not set/ });
    const unreachable = await runCli(t, ['send', 'x'], { env: { KAFKA_BROKERS: '127.0.0.1:1' }, input: 'x' });
    t.match(unreachable, { code: 1, stderr: /MILLRACE_KAFKA_UNREACHABLE/ });
  });
});

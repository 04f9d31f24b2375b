// Unusual records: without a value or key, with headers that no HTTP request may carry, as large as Kafka accepts, and records that
// claim to be CloudEvents and are not.
import kafkajs from 'kafkajs';
import t, { type Test } from 'tap';
import { triggerManifest, useGateway, type TestGateway, type TriggerParts } from '../fixtures/gateway.ts';
import { consumeAll, createTopic, uniqueName, useKafka, withAdmin } from '../fixtures/kafka/kafka.ts';
import { accepts, serveFunction, type Behaviour, type Call } from '../fixtures/oracle/oracle-function.ts';
import { headerOf } from '../fixtures/oracle/oracle-evidence.ts';
import { createOracle, type Oracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

type Setup = { oracle: Oracle; gateway: TestGateway; calls: Call[]; deadLetterTopic: string };

async function setUp(t: Test, behaviour: Behaviour = accepts, parts: TriggerParts = {}): Promise<Setup> {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
  const deadLetterTopic = await createTopic(t, bootstrapServers, { partitions: 1, name: 'dead' });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group'), deadLetterTopic });
  const calls: Call[] = [];
  const { uri } = await serveFunction(t, oracle, (call) => {
    calls.push(call);
    return behaviour(call);
  });
  const gateway = await useGateway(t, { bootstrapServers, manifests: [triggerManifest(oracle, uri, parts)] });
  oracle.watchCommits();
  return { oracle, gateway, calls, deadLetterTopic };
}

t.test('records without a value, without a key or with empty ones are delivered', async (t) => {
  const { oracle, calls } = await setUp(t);
  await oracle.send([
    { key: 'k', value: null },
    { key: null, value: '{"id":"a"}' },
    { key: null, value: null },
    { key: '', value: '' },
    { key: Buffer.from([0xff, 0x00]), value: Buffer.from([0x00, 0xff]) },
  ]);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.equal(verdict.delivered, 5);
  t.strictSame(
    calls.map(({ headers, body }) => [body.length, headers['ce-partitionkey']]),
    [
      [0, 'k'],
      [10, undefined],
      [0, undefined],
      [0, undefined],
      [2, '/wA='],
    ],
  );
  t.equal(calls[0]!.headers['content-type'], undefined, 'a tombstone is an event without data');
});

t.test('headers that forge HTTP, split requests or are no text do no harm', async (t) => {
  const { oracle, calls } = await setUp(t);
  const names = ['host', 'content-length', 'transfer-encoding', 'connection', 'authorization', 'cookie'];
  const headers = {
    ...Object.fromEntries(names.map((name) => [name, 'forged'])),
    'Content-Length': '1',
    split: 'a\r\nx-injected: yes\r\n\r\nPOST /admin HTTP/1.1',
    'x-name\r\nx-injected: yes': 'b',
    'x name: y': 'c',
    grüße: 'd',
    broken: Buffer.from([0xc3, 0x28, 0x00, 0xff]),
    '': 'nameless',
    twice: ['one', 'two'],
    traceparent: 'not\r\na trace',
  };
  await oracle.send([
    { value: '{"id":"a"}', headers },
    { value: '{"id":"b"}', headers: { 'content-type': 'text/plain\r\nx-injected: yes' } },
    { value: '{"id":"c"}' },
  ]);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.equal(verdict.delivered + verdict.deadLettered, 3);
  for (const { headers: got } of calls) {
    t.match(got.host, /^127\.0\.0\.1:\d+$/);
    for (const name of ['x-injected', 'authorization', 'cookie', 'transfer-encoding'])
      t.notOk(got[name], name);
  }
  const [first] = calls;
  t.equal(first!.headers['content-length'], '10');
  t.equal(first!.headers['ce-kafkaheaderbrokenbase64'], 'wygA/w==');
  t.equal(
    first!.headers['ce-kafkaheaderauthorization'],
    'forged',
    'carried as an extension, where it does no harm',
  );
  t.equal(first!.body.toString(), '{"id":"a"}');
});

t.test('a record as large as Kafka accepts is delivered', async (t) => {
  const { oracle, calls } = await setUp(t);
  const value = Buffer.alloc(1_048_576 - 512, 'x');
  value.write('{"id":"large"');
  await oracle.send([{ value }]);
  await oracle.produce(3);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.equal(verdict.delivered, 4);
  t.ok(calls[0]!.body.equals(value));
});

t.test(
  'a record too large for the dead-letter topic is not settled until the topic accepts it',
  async (t) => {
    const setup = await setUp(t, ({ receipts: [receipt] }) => ({
      status: receipt!.offset === 0n ? 400 : 204,
    }));
    const { oracle, gateway, deadLetterTopic } = setup;
    const failures: string[] = [];
    gateway.events.on('storeFailed', (_subscription, _record, what) => void failures.push(what));
    await oracle.send([{ value: Buffer.alloc(1_048_576 - 120, 'x') }]);
    await oracle.produce(3);
    await until(() => failures.length > 1);
    t.strictSame(await oracle.committed(), new Map([[0, 0n]]));
    t.equal(oracle.delivered, 0);

    const { bootstrapServers } = oracle.options;
    await withAdmin(bootstrapServers, (admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: deadLetterTopic,
            configEntries: [{ name: 'max.message.bytes', value: '2097152' }],
          },
        ],
      }),
    );
    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.equal(verdict.deadLettered, 1);
    t.equal(verdict.delivered, 3);
  },
);

t.test('an invalid CloudEvent is dead-lettered with its bytes, and the next ones follow', async (t) => {
  const { oracle, deadLetterTopic } = await setUp(t, accepts, { delivery: { retry: 3 } });
  const whole = { ce_specversion: '1.0', ce_id: '1', ce_source: '/s', ce_type: 't' };
  await oracle.send([
    { key: 'a', value: 'one', headers: { ce_specversion: '1.0', ce_id: '1' } },
    { key: 'b', value: null, headers: { ...whole, ce_id: Buffer.from([0xff, 0xfe]) } },
    { key: 'c', value: 'three', headers: { ...whole, ce_time: 'yesterday', 'millrace-reason': 'old' } },
    {
      key: Buffer.from([0xff]),
      value: '{"no": "event"}',
      headers: { 'content-type': 'application/cloudevents+json' },
    },
    { key: 'e', value: 'not even JSON', headers: { 'content-type': 'application/cloudevents+json' } },
    { key: 'f', value: '<xml/>', headers: { 'content-type': 'application/cloudevents+xml' } },
    { key: 'g', value: '{"id":"good"}', headers: whole },
  ]);
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.equal(verdict.deadLettered, 6);
  t.equal(verdict.delivered, 1);
  const letters = await consumeAll(oracle.options.bootstrapServers, deadLetterTopic);
  for (const letter of letters) {
    t.equal(headerOf(letter, 'millrace-reason'), 'undecodable');
    t.equal(headerOf(letter, 'millrace-attempts'), '0');
    t.not(headerOf(letter, 'millrace-detail'), '');
  }
});

// Functions that fail, in every way that a server can.
import t, { type Test } from 'tap';
import { spawnFunction } from '../fixtures/child-function.ts';
import { triggerManifest, useGateway, type TestGateway, type TriggerParts } from '../fixtures/gateway.ts';
import { consumeAll, createTopic, uniqueName, useKafka } from '../fixtures/kafka/kafka.ts';
import {
  accepts,
  serveFunction,
  type Behaviour,
  type OracleFunction,
} from '../fixtures/oracle/oracle-function.ts';
import { headerOf } from '../fixtures/oracle/oracle-evidence.ts';
import { createOracle, type Oracle } from '../fixtures/oracle/oracle.ts';
import { until } from '../scaler/fixtures/until.ts';

type Setup = { oracle: Oracle; fn: OracleFunction; gateway: TestGateway };

async function setUp(
  t: Test,
  behaviour: Behaviour,
  parts: TriggerParts = {},
  partitions = 1,
): Promise<Setup> {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions });
  const deadLetterTopic = await createTopic(t, bootstrapServers, { partitions: 1, name: 'dead' });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group'), deadLetterTopic });
  const fn = await serveFunction(t, oracle, behaviour);
  const manifests = [triggerManifest(oracle, fn.uri, parts)];
  const gateway = await useGateway(t, { bootstrapServers, manifests });
  oracle.watchCommits();
  return { oracle, fn, gateway };
}

function dead({ oracle }: Setup): ReturnType<typeof consumeAll> {
  const { bootstrapServers, deadLetterTopic = '' } = oracle.options;
  return consumeAll(bootstrapServers, deadLetterTopic);
}

/** Fails as given on the second record, and accepts the others. */
function onSecond(fail: Behaviour): Behaviour {
  return (call) => (call.receipts[0]?.offset === 1n ? fail(call) : accepts(call));
}

const never = new Promise<never>(() => undefined);

function resetInBody(status: number): Behaviour {
  return ({ response }) => {
    response.writeHead(status, { 'content-length': '1000' });
    response.write('half', () => response.socket?.resetAndDestroy());
    return undefined;
  };
}

/** `more`: how often it is sent besides, because the function may have closed an idle connection. */
const failing: Record<string, { behaviour: Behaviour; detail: RegExp; more?: number }> = {
  hangs: { behaviour: () => never, detail: /no whole answer within 300 ms/ },
  'resets the connection before it answers': {
    behaviour: ({ response }) => {
      response.socket?.resetAndDestroy();
      return undefined;
    },
    detail: /ECONNRESET|closed/,
    more: 1,
  },
  'answers 500 and resets the connection in the body': {
    behaviour: resetInBody(500),
    detail: /answered 500/,
  },
  'answers what is not HTTP': {
    behaviour: ({ response }) => {
      response.socket?.end('220 smtp.example.com ESMTP\r\n');
      return undefined;
    },
    detail: /is not a status line of HTTP\/1.1/,
  },
  'trickles its answer': {
    behaviour: ({ response }) => {
      response.socket?.write('HTTP/1.1 200 OK\r\nx-long: ');
      const drip = setInterval(() => response.socket?.write('.'), 20);
      response.once('close', () => clearInterval(drip));
      return undefined;
    },
    detail: /no whole answer within 300 ms/,
  },
  'answers 500': { behaviour: () => ({ status: 500 }), detail: /answered 500/ },
  'answers 404': { behaviour: () => ({ status: 404 }), detail: /answered 404/ },
};

for (const [name, { behaviour, detail, more = 0 }] of Object.entries(failing)) {
  t.test(
    `a record whose function ${name} is tried three times, then dead-lettered, and the next ones follow`,
    async (t) => {
      const delivery = { timeout: 'PT0.3S', retry: 2 };
      const setup = await setUp(t, onSecond(behaviour), { delivery });
      await setup.oracle.produce(5);
      const verdict = await setup.oracle.verdict();
      t.strictSame(verdict.problems, []);
      t.strictSame(verdict.duplicates, []);
      t.strictSame(
        setup.oracle.receipts.map(({ offset }) => offset),
        [0n, ...Array<bigint>(3 + more).fill(1n), 2n, 3n, 4n],
      );
      const [letter] = await dead(setup);
      t.equal(headerOf(letter!, 'millrace-reason'), 'exhausted');
      t.equal(headerOf(letter!, 'millrace-attempts'), '3');
      t.match(headerOf(letter!, 'millrace-detail'), detail);
    },
  );
}

t.test('the gateway accepts an answer 200 whose body breaks off', async (t) => {
  const reset = resetInBody(200);
  const setup = await setUp(
    t,
    onSecond((call) => {
      for (const receipt of call.receipts) setup.oracle.accepted(receipt);
      return reset(call);
    }),
  );
  await setup.oracle.produce(5);
  const verdict = await setup.oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.strictSame(
    setup.oracle.receipts.map(({ offset }) => offset),
    [0n, 1n, 2n, 3n, 4n],
  );
});

for (const status of [301, 307, 400, 401, 413, 422]) {
  t.test(`a record that is answered with ${status} is dead-lettered at once`, async (t) => {
    const location = 'http://127.0.0.1:9/elsewhere';
    const setup = await setUp(
      t,
      onSecond(() => ({ status, headers: { location } })),
    );
    await setup.oracle.produce(3);
    const verdict = await setup.oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(
      setup.oracle.receipts.map(({ offset }) => offset),
      [0n, 1n, 2n],
    );
    const [letter] = await dead(setup);
    t.equal(headerOf(letter!, 'millrace-reason'), 'rejected');
    t.equal(headerOf(letter!, 'millrace-status'), String(status));
  });
}

t.test('the gateway accepts an answer 200 without reading its body of 100 MB', async (t) => {
  let written = 0;
  const setup = await setUp(t, ({ receipts, response }) => {
    for (const receipt of receipts) setup.oracle.accepted(receipt);
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    const chunk = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (written < 100_000_000 && !response.destroyed) {
        written += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
    return undefined;
  });
  await setup.oracle.produce(1);
  const verdict = await setup.oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.ok(written < 50_000_000, `${written} bytes were taken`);
});

for (const status of [429, 503]) {
  t.test(`the gateway retries an answer ${status} no earlier than Retry-After says`, async (t) => {
    const setup = await setUp(t, ({ receipts: [receipt] }) =>
      receipt?.offset === 0n && receipt.attempt === 1
        ? { status, headers: { 'retry-after': '1' } }
        : { status: 204 },
    );
    await setup.oracle.produce(2);
    const verdict = await setup.oracle.verdict();
    t.strictSame(verdict.problems, []);
    const [first, second] = setup.oracle.receipts;
    t.strictSame(
      setup.oracle.receipts.map(({ offset }) => offset),
      [0n, 0n, 1n],
    );
    t.ok(second!.receivedMs - first!.receivedMs >= 990, 'the function asked for a second');
  });
}

t.test('records are held, without counting an attempt, while the function refuses connections', async (t) => {
  const setup = await setUp(t, accepts, { delivery: { retry: 0 } }, 3);
  const { oracle, fn, gateway } = setup;
  await oracle.produce(50);
  await until(() => oracle.delivered === 50);
  const outcomes: string[] = [];
  gateway.events.on('attempted', (_subscription, outcome) => void outcomes.push(outcome));
  await fn.refuse();
  await oracle.produce(100);
  await until(() => gateway.trigger().held === 100);
  t.equal(gateway.trigger().readyEndpoints, 0);
  t.notOk(outcomes.includes('retry'), 'a refused connection is not a failed attempt');

  await fn.accept();
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.strictSame(verdict.duplicates, []);
  t.equal(verdict.delivered, 150);
  t.equal(verdict.deadLettered, 0, 'no attempt was charged: retry is 0');
  t.ok(oracle.receipts.every(({ attempt }) => attempt === 1));
});

t.test('no record is lost when the function is killed during requests, twice', async (t) => {
  const bootstrapServers = await useKafka(t);
  const topic = await createTopic(t, bootstrapServers, { partitions: 3 });
  const oracle = createOracle(t, { bootstrapServers, topic, group: uniqueName('group') });
  const fn = await spawnFunction(t, oracle, { crashAt: 20 });
  const gateway = await useGateway(t, { bootstrapServers, manifests: [triggerManifest(oracle, fn.uri)] });
  oracle.watchCommits();
  await oracle.produce(100);
  for (let kills = 1; kills <= 2; kills += 1) {
    t.equal((await fn.exited()).signal, 'SIGKILL');
    await until(() => gateway.trigger().held > 0);
    await fn.start({ crashAt: kills === 1 ? 30 : 0 });
  }
  const verdict = await oracle.verdict();
  t.strictSame(verdict.problems, []);
  t.equal(verdict.delivered, 100);
  t.ok(verdict.duplicates.length <= 2 * 3, 'at most the records in flight, one per lane, at each kill');
  t.comment(`${verdict.duplicates.length} twice`);
});

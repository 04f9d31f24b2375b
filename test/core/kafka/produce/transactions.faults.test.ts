// The broker that coordinates the transactions of a trigger hangs, and nothing else does: not the coordinator of its group, nor who leads what it
// reads and writes. Its state says so, other triggers go on, and afterwards nothing is lost, and nothing is there twice.
import t, { type Test } from 'tap';
import type { LocalBroker, LocalKafka } from '../../../../cli/kafka/local-kafka.ts';
import type { OutgoingRecord } from '../../../../core/contract/record-sink.ts';
import type { RecordSource, TransactionOutcome } from '../../../../core/contract/record-source.ts';
import { transactionalIdOf } from '../../../../core/kafka/produce/transactions.ts';
import {
  consumeAll,
  createTopic,
  ownKafka,
  produce,
  uniqueName,
  withAdmin,
} from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import type { FaultyConnections } from '../fixtures/faulty-connections.ts';
import { Listener } from '../fixtures/member.ts';
import { openConnections } from '../fixtures/offsets.ts';
import { openTransactionalSources } from '../fixtures/transactional-sources.ts';

t.setTimeout(300_000);

interface Trigger {
  readonly source: RecordSource;
  readonly listener: Listener;
  /** As the outbox does: the same again, until it is committed. */
  commit(offset: bigint): Promise<TransactionOutcome>;
  stored(): Promise<string[]>;
  committed(): Promise<string | undefined>;
}

interface Stage {
  /** The broker that coordinates the transactions of the first trigger alone. */
  readonly broker: LocalBroker;
  readonly first: Trigger;
  readonly second: Trigger;
  readonly connections: FaultyConnections;
}

async function prepare(t: Test, kafka: LocalKafka): Promise<Stage> {
  const servers = kafka.bootstrapServers;
  const { topology } = openConnections(t, servers, { metadataMaxAgeMs: 0 });
  const soon = () => performance.now() + 10_000;
  const leaderOf = (topic: string) =>
    until(async () => {
      const leader = (await topology.topics(new Set([topic]), soon())).leaderOf(topic, 0);
      return 'error' in leader ? undefined : leader.nodeId;
    });
  const coordinatorOf = (name: string, kind: 'group' | 'transactional id') =>
    until(async () => {
      const found = (await topology.coordinators([name], soon(), kind)).get(name);
      return found === undefined || 'error' in found ? undefined : found.nodeId;
    }, 60_000);
  const group = await coordinatorOf('any', 'group');
  const coordinatorFor = (groupId: string, topic: string) =>
    coordinatorOf(transactionalIdOf(groupId, { topic, partition: 0 }), 'transactional id');
  /** A group of which the transactions of `topic` are coordinated by a broker like this. */
  const groupFor = async (topic: string, isLike: (nodeId: number) => boolean) => {
    for (let tries = 0; tries < 100; tries += 1) {
      const groupId = uniqueName('tx');
      if (isLike(await coordinatorFor(groupId, topic))) return groupId;
    }
    throw new Error('no broker coordinates such transactions');
  };
  const hungId = await coordinatorFor(await groupFor('any', (id) => id !== group), 'any');
  const hung = kafka.brokers.find(({ id }) => id === hungId);
  if (hung === undefined) throw new Error('three brokers');
  const topicElsewhere = async (name: string): Promise<string> => {
    for (;;) {
      const topic = await createTopic(t, servers, { partitions: 1, name });
      if ((await leaderOf(topic)) !== hung.id) return topic;
    }
  };
  const sources = openTransactionalSources(t, servers);

  const start = async (isHung: boolean): Promise<Trigger> => {
    const topic = await topicElsewhere('in');
    const notices = await topicElsewhere('notices');
    const groupId = await groupFor(topic, (id) => (id === hung.id) === isHung);
    await produce(
      servers,
      topic,
      Array.from({ length: 9 }, (_, index) => ({ value: `${index}` })),
    );
    const listener = new Listener();
    const source = sources.start(groupId, topic, notices, listener);
    await until(() => listener.isConsuming && listener.records_.length === 9, 60_000);
    const noticeOf = (offset: bigint): OutgoingRecord => {
      return { topic: notices, key: null, value: Buffer.from(`${offset}`), headers: [] };
    };
    return {
      source,
      listener,
      async commit(offset) {
        const progress = { topic, partition: 0, offset, metadata: '' };
        for (;;) {
          const outcome = await source.commitWith(progress, [noticeOf(offset)]);
          if (outcome.kind !== 'aborted') return outcome;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      },
      stored: async () => (await consumeAll(servers, notices)).map(({ value }) => String(value)),
      async committed() {
        const [found] = await withAdmin(servers, (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
        return found?.partitions[0]?.offset;
      },
    };
  };
  const first = await start(true);
  const second = await start(false);
  return { broker: hung, first, second, connections: sources.connections };
}

/** `replicas`: of what coordinators keep. With one, the coordinator stays where it is; with three, it moves when its broker hangs. */
for (const [what, replicas] of [
  ['until it goes on', 1],
  ['until the coordinator has moved', 3],
] as const)
  t.test(`a coordinator of transactions hangs ${what}`, async (t) => {
    const kafka = await ownKafka(t, {
      brokers: 3,
      properties: {
        'transaction.state.log.num.partitions': '9',
        'transaction.state.log.replication.factor': `${replicas}`,
        'transaction.state.log.min.isr': '1',
      },
    });
    for (const [when, api] of [
      ['begins', 'AddOffsetsToTxn'],
      ['ends', 'EndTxn'],
    ] as const)
      await t.test(`as a transaction ${when}`, async (t) => {
        const { broker, first, second, connections } = await prepare(t, kafka);
        t.match(await first.commit(1n), { kind: 'committed' });
        t.match(await second.commit(1n), { kind: 'committed' });
        t.teardown(async () => broker.continue());
        let isHung = false;
        connections.fail(api, (send) => {
          broker.suspend();
          isHung = true;
          return send();
        });
        const pending = first.commit(2n);
        await until(() => isHung);
        for (let offset = 2n; offset < 6n; offset += 1n)
          t.match(await second.commit(offset), { kind: 'committed' }, 'the others go on');
        if (replicas === 1) {
          const { states } = first.listener;
          await until(() => states.at(-1)?.kind === 'failing', 60_000);
          t.match(states.at(-1), { reason: /nothing of in-\w+-0 is stored in transactions: / });
          broker.continue();
        }
        t.match(await pending, { kind: 'committed' });
        await until(() => first.listener.isConsuming);
        broker.continue();
        t.match(await first.commit(3n), { kind: 'committed' });
        t.strictSame(await first.stored(), ['1', '2', '3']);
        t.equal(await first.committed(), '3');
        t.strictSame(await second.stored(), ['1', '2', '3', '4', '5']);
        t.equal(await second.committed(), '5');
        for (const { listener } of [first, second]) {
          t.strictSame(listener.notices, []);
          t.equal(listener.told.filter((one) => one.startsWith('open')).length, 1);
          t.strictSame(listener.violations, []);
        }
        t.strictSame(
          second.listener.states.filter(({ kind }) => kind === 'failing'),
          [],
        );
      });
  });

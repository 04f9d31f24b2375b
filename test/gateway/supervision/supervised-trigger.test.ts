// What a fault does: an exception that nobody expected, thrown wherever a pipeline may be entered or calls what is not its own.
import t, { type Test } from 'tap';
import { Endpoints } from '../../../gateway/delivery/endpoints.ts';
import { LaneGroup, Lanes } from '../../../gateway/delivery/lanes.ts';
import { PooledEndpoint } from '../../../gateway/delivery/pooled-endpoint.ts';
import { BatchClock } from '../../../gateway/pipeline/batch-clock.ts';
import { Dispatcher } from '../../../gateway/pipeline/dispatcher.ts';
import { OpenPartition } from '../../../gateway/pipeline/open-partition.ts';
import { OutcomeHandler } from '../../../gateway/pipeline/outcome-handler.ts';
import { OutputWriter } from '../../../gateway/pipeline/output-writer.ts';
import { ParkedLanes } from '../../../gateway/pipeline/parked-lanes.ts';
import { PausedPartitions } from '../../../gateway/pipeline/paused-partitions.ts';
import { PendingRecord } from '../../../gateway/pipeline/pending-record.ts';
import { Pipeline } from '../../../gateway/pipeline/pipeline.ts';
import { RecordIntake } from '../../../gateway/pipeline/record-intake.ts';
import { RecordSettlements } from '../../../gateway/pipeline/record-settlements.ts';
import { SkipRequests } from '../../../gateway/pipeline/skip-requests.ts';
import { Committer } from '../../../gateway/settlement/committer.ts';
import { Ledger } from '../../../gateway/settlement/ledger.ts';
import { Outbox } from '../../../gateway/settlement/outbox.ts';
import { MemoryMember, type MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { supervise, trigger, type Supervised } from './supervise.ts';

t.setTimeout(300_000);

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** From now on the call `nth` of the method throws, once. Returns how often it was called, and ends with the test. */
function throwAt(t: Test, owner: { prototype: object }, method: string, nth: number): () => number {
  const methods = owner.prototype as Methods;
  const original = methods[method]!;
  let calls = 0;
  methods[method] = function (this: unknown, ...args: unknown[]) {
    calls += 1;
    if (calls === nth) throw new TypeError(`a bug in ${method}`);
    return original.apply(this, args);
  };
  t.teardown(() => void (methods[method] = original));
  return () => calls;
}

type Owner = { name: string; prototype: object };

/**
 * Where it may fail, and at which call: one in the midst of records, where there are so many. Each is called while records are retried,
 * dead-lettered, replied to, held in memory, and drained.
 */
const places: readonly (readonly [owner: Owner, nth: number, ...methods: string[]])[] = [
  [Ledger, 9, 'track', 'settle', 'mark', 'isSettled'],
  [Ledger, 2, 'advance', 'horizon'],
  [Lanes, 9, 'next', 'take', 'finish', 'makeReady'],
  [Lanes, 1, 'unpark'],
  [LaneGroup, 9, 'add', 'count'],
  [LaneGroup, 1, 'release'],
  [Endpoints, 9, 'pick', 'learn', 'release'],
  [Endpoints, 1, 'update'],
  [PooledEndpoint, 1, 'retire', 'destroy'],
  [OpenPartition, 9, 'progress', 'add', 'catchUp'],
  [PendingRecord, 9, 'begin', 'end', 'expireIfOld'],
  [RecordIntake, 9, 'take'],
  [RecordSettlements, 9, 'settle'],
  [RecordSettlements, 2, 'filtered', 'attempted'],
  [PausedPartitions, 9, 'goOn'],
  [PausedPartitions, 1, 'pauseIfOver', 'forget'],
  [Dispatcher, 9, 'pump'],
  [Dispatcher, 1, 'release', 'forgetClosed', 'close'],
  [BatchClock, 9, 'isDue'],
  [BatchClock, 1, 'stop'],
  [OutcomeHandler, 9, 'apply'],
  [OutputWriter, 2, 'storeDeadLetters', 'reply'],
  [ParkedLanes, 1, 'park', 'forget'],
  [SkipRequests, 1, 'proceed', 'forgetClosed'],
  [Committer, 9, 'mark'],
  [Committer, 1, 'flush', 'finish', 'stop'],
  [Outbox, 2, 'stage', 'commit'],
  [Outbox, 1, 'drop'],
  [MemoryMember, 1, 'start', 'pause', 'unpause', 'commit', 'commitWith', 'stop'],
  [Pipeline, 1, 'start'],
];

const commitsTransactions = new Set<object>([
  Ledger,
  OpenPartition,
  PendingRecord,
  RecordSettlements,
  OutputWriter,
  Committer,
  Outbox,
  MemoryMember,
]);

/** A commit that fails is no fault: it is tried again. */
const mayFail = new Set(['commit', 'commitWith']);

const deadLetter = { topic: 'quakes.dead' };
const count = 30;

/** Some are delivered at once, some when they are retried, some never; what is filtered is settled without the function. */
function answerOf(id: string, attempt: number): number | { status: number; headers: Record<string, string> } {
  const offset = Number(id.split(':').at(-1));
  if (offset % 7 === 3) return 400;
  if (offset % 5 === 2 && attempt === 1) return 503;
  const headers = { 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '/a', 'ce-type': 'seen' };
  return offset % 3 === 0 ? { status: 200, headers } : 204;
}

async function live(t: Test, isTransactional: boolean): Promise<Supervised> {
  const attempts = new Map<string, number>();
  const supervised = await supervise(t, ({ ids, headers }) => {
    const id = `${String(headers['ce-type'])} ${ids[0]}`;
    attempts.set(id, (attempts.get(id) ?? 0) + 1);
    return answerOf(ids[0]!, attempts.get(id)!);
  });
  const base = trigger('a');
  const changes = {
    filters: [
      { kind: 'not' as const, filter: { kind: 'exact' as const, attributes: { subject: 'dropped' } } },
    ],
    delivery: { ...base.delivery, ordering: 'key' as const, deadLetter },
    reply: { topic: 'quakes.seen', transactional: isTransactional },
  };
  const named = (type: string) => trigger(type, { ...changes, event: { type, dialect: 'millrace' } });
  await supervised.supervisor.want([named('a'), named('b')]);
  return supervised;
}

function produce(kafka: MemoryKafka): void {
  for (let offset = 0; offset < count; offset += 1)
    kafka.produce({ key: ['x', 'y', 'z', 'dropped'][offset % 4]! });
}

/** Of which offsets it is known what became of them: delivered, or stored as a dead letter; those that are filtered aside. */
function doneWith(supervised: Supervised, name: string): Set<number> {
  const done = new Set<number>();
  for (const { headers, ids } of supervised.fn.calls)
    if (headers['ce-type'] === name) for (const id of ids) done.add(Number(id.split(':').at(-1)));
  for (const { topic, headers } of supervised.kafkaOf(`geo/${name}`).written)
    if (topic === deadLetter.topic)
      done.add(Number(String(headers.find((one) => one.name === 'millrace-offset')?.value ?? '-1')));
  for (let offset = 3; offset < count; offset += 4) done.add(offset);
  return done;
}

interface Fault {
  readonly isTransactional: boolean;
  readonly method: string;
  readonly nth: number;
}

async function checkHealing(t: Test, fault: Fault, calls: () => number): Promise<void> {
  const { isTransactional, method, nth } = fault;
  const supervised = await live(t, isTransactional);
  const { supervisor, kafkaOf, faults, open } = supervised;
  const names = ['a', 'b'];
  for (const name of names) produce(kafkaOf(`geo/${name}`));
  await until(() => names.every((name) => kafkaOf(`geo/${name}`).isDone()));
  await until(() => supervisor.snapshot().every(({ ready }) => ready));
  await supervisor.stop();
  t.ok(new Set(faults.map(([{ key }]) => key)).size <= 1, 'the other trigger is not touched');
  t.ok(faults.length <= 2, 'it heals at once');
  if (calls() < nth) t.strictSame(faults, []);
  else if (!mayFail.has(method)) t.not(faults.length, 0, 'it is told');
  for (const name of names) {
    t.strictSame(doneWith(supervised, name).size, count, `nothing of ${name} is lost`);
    const early = kafkaOf(`geo/${name}`).violations.filter((text) => !text.endsWith('settled twice'));
    t.strictSame(early, [], `nothing of ${name} is committed before it is settled`);
  }
  t.strictSame([supervisor.size, open], [0, { clusters: 0, watches: 0, accesses: 0 }], 'all is let go');
}

for (const [owner, nth, ...methods] of places) {
  for (const method of methods) {
    for (const isTransactional of commitsTransactions.has(owner) ? [false, true] : [false]) {
      const kind = isTransactional ? ', where replies are transactional' : '';
      t.test(`${owner.name}.${method} throws at its call ${nth}${kind}`, async (t) => {
        const calls = throwAt(t, owner, method, nth);
        await checkHealing(t, { isTransactional, method, nth }, calls);
      });
    }
  }
}

t.test(
  'a trigger whose parts cannot be opened keeps no other from starting, and starts when they can',
  async (t) => {
    for (const part of ['openCluster', 'createSource', 'openAccess', 'watch'] as const) {
      const { supervisor, kafkaOf, faults, states, open } = await supervise(t, undefined, {
        fails: (key, opened) => key === 'geo/a' && opened === part && faults.length < 2,
      });
      await supervisor.want([trigger('a'), trigger('b')]);
      await until(() => states()['geo/b'] === 'consuming');
      await until(() => states()['geo/a'] === 'consuming');
      kafkaOf('geo/a').produce();
      await until(() => kafkaOf('geo/a').isDone());
      t.equal(faults.length, 2, part);
      await supervisor.stop();
      t.strictSame(open, { clusters: 0, watches: 0, accesses: 0 });
    }
  },
);

t.test('a trigger that faults again and again says so, and an edit does not wait', async (t) => {
  const { supervisor, faults, states } = await supervise(t, undefined, {
    fails: (_key, part) => part === 'openCluster' && faults.length < 1,
    restartMs: { first: 3_600_000, longest: 3_600_000, calm: 3_600_000 },
  });
  await supervisor.want([trigger('a')]);
  const reason = 'a fault of the gateway stopped it (Error), and it starts again by itself: see the log';
  t.match(supervisor.snapshot(), [{ state: 'failing', reason, ready: false }]);
  t.match(faults, [[{ key: 'geo/a' }, { code: 'MILLRACE_TRIGGER_FAULTED' }, 3_600_000]]);
  await supervisor.want([trigger('a', { event: { type: 'edited', dialect: 'millrace' } })]);
  await until(() => states()['geo/a'] === 'consuming');
});

t.test('a state that cannot be read is shown as that, and stops nothing', async (t) => {
  const { supervisor, kafkaOf, states, faults } = await supervise(t);
  await supervisor.want([trigger('a')]);
  await until(() => states()['geo/a'] === 'consuming');
  t.capture(Pipeline.prototype, 'snapshot', () => {
    throw new Error('a bug');
  });
  t.match(supervisor.snapshot(), [{ state: 'failing', ready: false }]);
  kafkaOf('geo/a').produce();
  await until(() => kafkaOf('geo/a').isDone());
  t.strictSame(faults, []);
});

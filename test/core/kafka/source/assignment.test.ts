// What is committed while the offsets of a join are read is ours, whenever it was said: a partition that stays is not opened anew.
import t from 'tap';
import type { RecordListener } from '../../../../core/contract/record-source.ts';
import { Assignment } from '../../../../core/kafka/source/assignment.ts';
import type { GroupConsumer } from '../../../../core/kafka/source/group-consumer.ts';
import type { JoinedGroup } from '../../../../core/kafka/group/membership.ts';
import { TopicMemory } from '../../../../core/kafka/topics/topic-memory.ts';
import type { TopicWatch } from '../../../../core/kafka/topics/topic-watch.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { noFaults } from '../../../fixtures/no-faults.ts';

const partition = { topic: 'quakes', partition: 0 };
const joined: JoinedGroup = {
  memberId: 'm',
  generation: 1,
  partitions: [partition],
  claimed: [],
  isContinuous: true,
};

t.test('two commits while the offsets are read', async (t) => {
  let committed = 5n;
  const gate = { open: Promise.withResolvers<void>(), isRead: false };
  const watch: Partial<TopicWatch> = {
    look: () =>
      Promise.resolve({
        names: undefined,
        topic: () => ({ kind: 'there', id: 'id', partitions: 1 }),
        idOf: () => 'id',
        partitionCount: () => 1,
        isUnreadable: () => false,
        leaderOf: () => ({ nodeId: 1, host: '', port: 1 }),
      } as never),
    committed: async () => {
      const offset = committed;
      gate.isRead = true;
      await gate.open.promise;
      return new Map([['quakes/0', { offset, metadata: '' }]]);
    },
    readOffsets: () => {
      const range = { ...partition, logStart: 0n, end: 100n, committed: { offset: committed, metadata: '' } };
      return Promise.resolve([{ kind: 'read', partitions: [range] }]);
    },
  };
  const said: string[] = [];
  const listener: Partial<RecordListener> = {
    open: (_partition, { offset }) => void said.push(`open ${offset}`),
    close: () => void said.push('close'),
    resume: () => undefined,
    state: () => undefined,
  };
  const member: Partial<GroupConsumer> = {
    joiningSinceMs: undefined,
    seek: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    commit: ([progress]) => {
      committed = progress!.offset;
      return Promise.resolve();
    },
  };
  let opened = 0;
  const assignment = new Assignment({
    boundary: noFaults(),
    source: { consumerGroup: 'g', topics: ['quakes'], initialOffset: 'earliest', cluster: 'c' } as never,
    listener: listener as RecordListener,
    watch: watch as TopicWatch,
    memory: new TopicMemory(),
    transactions: undefined,
    signal: new AbortController().signal,
    onChanged: () => (opened += assignment.isOpening ? 0 : 1),
  });
  assignment.begin(member as GroupConsumer);
  gate.open.resolve();
  assignment.joined(joined, member as GroupConsumer);
  await until(() => opened === 1);
  const commit = (offset: bigint): Promise<void> =>
    assignment.commit([{ ...partition, offset, metadata: '' }]);
  await commit(6n);

  Object.assign(gate, { open: Promise.withResolvers<void>(), isRead: false });
  await commit(7n);
  assignment.joined({ ...joined, generation: 2, claimed: [partition] }, member as GroupConsumer);
  // The snapshot of what is ours is taken, and the offsets are not read yet.
  await commit(8n);
  await until(() => gate.isRead);
  await commit(9n);
  gate.open.resolve();
  await until(() => opened === 2);
  t.strictSame(said, ['open 5'], 'it went on');

  committed = 50n;
  assignment.joined({ ...joined, generation: 3, claimed: [partition] }, member as GroupConsumer);
  await until(() => opened === 3);
  t.strictSame(said, ['open 5', 'close', 'open 50'], 'somebody else has worked here');
});

import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { CommitRefused, type PartitionProgress } from '../../../core/contract/record-source.ts';
import { Committer, type Committable } from '../../../gateway/settlement/committer.ts';
import { noFaults } from '../../fixtures/no-faults.ts';

const intervalMs = 100;

interface Commit {
  /** `partition@offset metadata`. */
  readonly offsets: readonly string[];
  succeed(): Promise<void>;
  fail(): Promise<void>;
  /** The group takes all but what is of this topic. */
  refuse(topic: string): Promise<void>;
}

/** A committer on a clock that the test moves, and a Kafka that answers when the test says so. */
function startCommitter(t: Test) {
  let nowMs = 1_000;
  mock.timers.enable({ apis: ['setTimeout'] });
  const clock = mock.method(performance, 'now', () => nowMs);
  t.teardown(() => {
    mock.timers.reset();
    clock.mock.restore();
  });
  const commits: Commit[] = [];
  const committed: string[] = [];
  const failures: string[] = [];
  const committer = new Committer({
    boundary: noFaults(),
    intervalMs,
    commit: (due: readonly Partition[]) => {
      const offsets = due.map((partition) => partition.progress());
      const { promise, resolve, reject } = Promise.withResolvers<readonly PartitionProgress[]>();
      const settle = (end: () => void) => {
        end();
        return quiet();
      };
      commits.push({
        offsets: textsOf(offsets),
        succeed: () => settle(() => resolve(offsets)),
        fail: () => settle(() => reject(new Error('the group is rebalancing'))),
        refuse: (topic) => {
          const stored = offsets.filter((one) => one.topic !== topic);
          return settle(() => reject(new CommitRefused(new Set([topic]), stored, new Error('deleted'))));
        },
      });
      return promise;
    },
    onCommitted: (offsets) => committed.push(...textsOf(offsets)),
    onFailed: (error) => failures.push(error.message),
  });
  const pass = (ms: number): Promise<void> => {
    nowMs += ms;
    mock.timers.tick(ms);
    return quiet();
  };
  return { committer, commits, committed, failures, pass };
}

const textsOf = (offsets: readonly PartitionProgress[]) =>
  offsets.map(({ partition, offset, metadata }) => `${partition}@${offset}${metadata}`);

/** Resolves when all pending promise callbacks have run. */
const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

class Partition implements Committable {
  readonly topic: string;
  readonly partition: number;
  readonly name: string;
  position = 0n;
  metadata = '';
  open = true;

  constructor(partition: number, topic = 'orders') {
    this.topic = topic;
    this.partition = partition;
    this.name = `${topic}-${partition}`;
  }

  at(position: bigint, metadata = ''): this {
    this.position = position;
    this.metadata = metadata;
    return this;
  }

  progress(): PartitionProgress {
    const { topic, partition, position, metadata } = this;
    return { topic, partition, offset: position, metadata };
  }
}

t.test('at once when idle, with every position that moved in the same step', async (t) => {
  const { committer, commits, committed, pass } = startCommitter(t);
  const [a, b] = [new Partition(0), new Partition(1)];
  committer.mark(a.at(1n));
  committer.mark(b.at(5n));
  committer.mark(a.at(2n));
  await pass(0);
  t.strictSame(
    commits.map(({ offsets }) => offsets),
    [['0@2', '1@5']],
  );
  t.strictSame(committed, [], 'not before Kafka has it');
  await commits[0]!.succeed();
  t.strictSame(committed, ['0@2', '1@5']);
  await pass(intervalMs * 10);
  t.equal(commits.length, 1, 'and nothing more where nothing moves');
});

t.test('what is known beyond the position goes with it, as it is when the commit is made', async (t) => {
  const { committer, commits, committed, pass } = startCommitter(t);
  const a = new Partition(0);
  committer.mark(a.at(1n, ' one'));
  a.at(1n, ' two');
  await pass(0);
  a.at(2n, ' three');
  await commits[0]!.succeed();
  t.strictSame(committed, ['0@1 two'], 'and is reported as it was committed');
});

t.test('one in flight, however long it takes; then where things stand', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  const a = new Partition(0);
  committer.mark(a.at(1n));
  await pass(0);
  for (let position = 2n; position <= 50n; position += 1n) {
    committer.mark(a.at(position));
    await pass(intervalMs);
  }
  t.equal(commits.length, 1);
  await commits[0]!.succeed();
  await pass(0);
  t.strictSame(
    commits.map(({ offsets }) => offsets),
    [['0@1'], ['0@50']],
  );
});

t.test('at most one per interval, counted from start to start', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  const a = new Partition(0);
  committer.mark(a.at(1n));
  await pass(0);
  await pass(30);
  await commits[0]!.succeed();
  committer.mark(a.at(2n));
  await pass(69);
  t.equal(commits.length, 1);
  await pass(1);
  t.equal(commits.length, 2);
});

t.test('a failure loses nothing: the positions go with the next, as they are then', async (t) => {
  const { committer, commits, committed, failures, pass } = startCommitter(t);
  const [a, b] = [new Partition(0), new Partition(1)];
  committer.mark(a.at(1n));
  committer.mark(b.at(1n));
  await pass(0);
  committer.mark(a.at(2n));
  await commits[0]!.fail();
  t.strictSame(failures, ['the group is rebalancing']);
  t.strictSame(committed, []);
  await pass(intervalMs * 2);
  t.strictSame(commits[1]!.offsets, ['0@2', '1@1']);
  await commits[1]!.succeed();
  t.strictSame(committed, ['0@2', '1@1']);
});

t.test('the longer it fails, the less often it is tried; one success, and all is as before', async (t) => {
  const { committer, commits, failures, pass } = startCommitter(t);
  const a = new Partition(0);
  committer.mark(a.at(1n));
  await pass(0);
  for (const doubled of [2, 4, 8, 16, 32, 32, 32]) {
    await commits.at(-1)!.fail();
    await pass(intervalMs * doubled - 1);
    const before = commits.length;
    await pass(1);
    t.equal(commits.length, before + 1, `after ${doubled} intervals`);
  }
  await commits.at(-1)!.succeed();
  t.equal(failures.length, 7);
  committer.mark(a.at(2n));
  await pass(intervalMs);
  t.strictSame(commits.at(-1)!.offsets, ['0@2']);
});

t.test('what another member owns by now is not committed', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  const [a, b] = [new Partition(0), new Partition(1)];
  committer.mark(a.at(1n));
  committer.mark(b.at(1n));
  a.open = false;
  await pass(0);
  t.strictSame(
    commits.map(({ offsets }) => offsets),
    [['1@1']],
  );
  b.open = false;
  await commits[0]!.fail();
  await pass(intervalMs * 2);
  t.equal(commits.length, 1, 'nor after a failure');
});

t.test('a partition that came back is committed as the new one', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  const old = new Partition(0);
  committer.mark(old.at(9n));
  old.open = false;
  committer.mark(new Partition(0).at(4n));
  await pass(0);
  t.strictSame(
    commits.map(({ offsets }) => offsets),
    [['0@4']],
  );
});

t.test('a flush waits for what is in flight, and for what moved since', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  const a = new Partition(0);
  committer.mark(a.at(1n));
  await pass(0);
  committer.mark(a.at(2n));
  let isFlushed = false;
  const flushed = committer.flush().then(() => (isFlushed = true));
  await pass(0);
  t.equal(commits.length, 1, 'still one at a time');
  await commits[0]!.succeed();
  t.strictSame(commits[1]!.offsets, ['0@2'], 'without waiting for the interval');
  t.equal(isFlushed, false);
  await commits[1]!.succeed();
  await flushed;
  await pass(intervalMs * 2);
  t.equal(commits.length, 2);
});

t.test('a flush tries once: what Kafka refuses is left to the next', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  committer.mark(new Partition(0).at(1n));
  const flushed = committer.flush();
  await commits[0]!.fail();
  await flushed;
  await pass(intervalMs * 2);
  t.equal(commits.length, 2);
});

t.test('a flush of nothing commits nothing', async (t) => {
  const { committer, commits } = startCommitter(t);
  await committer.flush();
  t.equal(commits.length, 0);
});

t.test('once stopped, only a flush commits', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  const a = new Partition(0);
  committer.mark(a.at(1n));
  committer.stop();
  committer.mark(a.at(2n));
  await pass(intervalMs * 2);
  t.equal(commits.length, 0);
  const flushed = committer.flush();
  await commits[0]!.fail();
  await flushed;
  await pass(intervalMs * 2);
  t.equal(commits.length, 1, 'a failure starts nothing either');
});

t.test('what is let go of is committed first, as soon as Kafka takes it', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  const [a, b] = [new Partition(0), new Partition(1)];
  committer.mark(a.at(1n));
  committer.mark(b.at(1n));
  let isFinished = false;
  void committer.finish([a], 5_000).then(() => (isFinished = true));
  await quiet();
  await commits[0]!.fail();
  await pass(50);
  t.notOk(isFinished);
  await commits[1]!.succeed();
  await pass(50);
  t.ok(isFinished);
});

t.test('nor is it waited for without end', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  const a = new Partition(0);
  committer.mark(a.at(1n));
  let isFinished = false;
  void committer.finish([a], 5_000).then(() => (isFinished = true));
  await quiet();
  t.equal(commits.length, 1);
  await pass(4_999);
  t.notOk(isFinished, 'Kafka does not answer');
  await pass(1);
  await pass(50);
  t.ok(isFinished);
});

t.test('what is refused for its topic holds up no other, and is tried again apart', async (t) => {
  const { committer, commits, committed, failures, pass } = startCommitter(t);
  const [a, gone] = [new Partition(0), new Partition(7, 'gone')];
  const made = () => commits.map(({ offsets }) => offsets.join());
  committer.mark(a.at(1n));
  committer.mark(gone.at(1n));
  await pass(0);
  await commits[0]!.refuse('gone');
  t.strictSame([committed, failures], [['0@1'], ['deleted']]);
  committer.mark(a.at(2n));
  committer.mark(gone.at(2n));
  await pass(intervalMs);
  await commits[1]!.succeed();
  t.strictSame(made(), ['0@1,7@1', '0@2'], 'as soon as ever');
  await pass(intervalMs * 32);
  await pass(intervalMs);
  t.strictSame(made().slice(2), ['7@2']);
  await commits[2]!.succeed();
  t.strictSame(committed, ['0@1', '0@2', '7@2']);
});

t.test('what is refused for its topic is let go of after a moment', async (t) => {
  const { committer, commits, pass } = startCommitter(t);
  const [a, gone] = [new Partition(0), new Partition(7, 'gone')];
  committer.mark(a.at(1n));
  committer.mark(gone.at(1n));
  let isFinished = false;
  void committer.finish([a, gone], 25_000).then(() => (isFinished = true));
  await quiet();
  await commits[0]!.refuse('gone');
  await pass(50);
  t.strictSame(commits[1]!.offsets, ['7@1'], 'brokers may not have heard of it yet');
  t.notOk(isFinished);
  await pass(1_000);
  await commits[1]!.refuse('gone');
  t.ok(isFinished);
});

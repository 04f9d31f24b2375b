// The shared poll by itself, without triggers. shared-poll.backlog.test.ts covers the rest.
import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import type { OffsetsResult } from '../../../core/kafka/offsets/offsets-reader.ts';
import { createSharedPoll } from '../../../scaler/backlog/shared-poll.ts';

const targets = new Map(['a', 'b'].map((key) => [key, { key, group: `group-of-${key}` }]));
const partition = { topic: 'tides', partition: 0, logStart: 0n, end: 7n };

function setUp(results: OffsetsResult[]) {
  return createSharedPoll({
    offsets: { read: () => Promise.resolve(results) },
    targets: {
      all: () => [...targets.values()],
      get(key) {
        const found = targets.get(key);
        if (found === undefined) throw new Error(`nobody wants ${key}`);
        return found;
      },
    },
    queryOf: ({ group }) => ({ group, topics: ['tides'] }),
    measure({ key }, partitions) {
      if (key === 'b') throw new Error('cannot be measured');
      return `${key} over ${partitions.length}`;
    },
  });
}

t.test(
  'measures what each target asks for; a measure that throws is an error to its own readers',
  async (t) => {
    const read: OffsetsResult = { kind: 'read', partitions: [partition] };
    const poll = setUp([read, read]);
    await poll.refresh();
    t.equal(await poll.read('a'), 'a over 1');
    await t.rejects(poll.read('b'), {
      code: 'MILLRACE_BACKLOG_UNKNOWN',
      message: 'The backlog of b is unknown',
      cause: { message: 'cannot be measured' },
    });
    await t.rejects(poll.read('c'), { message: 'nobody wants c' });
  },
);

t.test('what failed, or was left out of the answer, is unknown', async (t) => {
  const error = new MillraceError('MILLRACE_TOPIC_MISSING', 'Topic tides does not exist');
  const poll = setUp([{ kind: 'failed', error }]);
  await t.rejects(poll.read('a'), { code: 'MILLRACE_BACKLOG_UNKNOWN', cause: error });
  await t.rejects(poll.read('b'), { cause: { message: 'The poll returned no offsets for it' } });
});

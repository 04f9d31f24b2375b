// What an incremental fetch session tells its broker, and when it begins anew.
import t from 'tap';
import type { FetchPosition } from '../../../../core/kafka/fetch/fetch-request.ts';
import { epochAfter, FetchSession } from '../../../../core/kafka/fetch/fetch-session.ts';

const id = 'a'.repeat(32);

function at(partition: number, offset = 0n, more: Partial<FetchPosition> = {}): FetchPosition {
  return { topic: 'orders', topicId: id, partition, offset, leaderEpoch: 1, lastEpoch: -1, ...more };
}

/** What the next request says. */
function next(session: FetchSession) {
  const { sessionId, sessionEpoch, positions, forgotten } = session.next();
  return {
    at: [sessionId, sessionEpoch],
    asks: positions.map(({ partition, offset }) => `${partition}@${offset}`),
    forgets: forgotten.map(({ partition }) => partition),
  };
}

/** A session that the broker has taken, with partitions 0 and 1. */
function begun(): FetchSession {
  const session = new FetchSession();
  session.put(at(0));
  session.put(at(1));
  t.strictSame(next(session), { at: [0, 0], asks: ['0@0', '1@0'], forgets: [] });
  t.equal(session.answered(0, 7), 'goes on');
  return session;
}

t.test('only what has changed is told', async (t) => {
  const session = begun();
  t.strictSame(next(session), { at: [7, 1], asks: [], forgets: [] });
  session.answered(0, 7);
  session.put(at(0, 5n));
  session.put(at(1));
  session.put(at(2));
  t.strictSame(next(session), { at: [7, 2], asks: ['0@5', '2@0'], forgets: [] });
  session.answered(0, 7);
  session.remove(at(0));
  session.remove(at(9));
  t.equal(session.size, 2);
  t.strictSame(next(session), { at: [7, 3], asks: [], forgets: [0] });
  session.answered(0, 7);
  session.put(at(0, 5n));
  t.strictSame(next(session), { at: [7, 4], asks: ['0@5'], forgets: [] });
});

t.test('what leaves and comes back before the next request is not told of', async (t) => {
  const session = begun();
  session.remove(at(0));
  session.put(at(0));
  session.put(at(2));
  session.remove(at(2));
  session.put(at(1, 3n));
  session.put(at(1));
  t.strictSame(next(session), { at: [7, 1], asks: [], forgets: [] });
});

t.test('a new leader epoch, last epoch or topic id is a change', async (t) => {
  const session = begun();
  session.put(at(0, 0n, { leaderEpoch: 2 }));
  session.put(at(1, 0n, { lastEpoch: 1 }));
  t.strictSame(next(session), { at: [7, 1], asks: ['0@0', '1@0'], forgets: [] });
  session.answered(0, 7);
  session.put(at(0, 0n, { topicId: 'b'.repeat(32) }));
  const { positions, forgotten } = session.next();
  t.match([positions[0]?.topicId, forgotten[0]?.topicId], ['b'.repeat(32), id]);
});

t.test('a session that the broker does not know any more begins anew, with all', async (t) => {
  for (const [error, sessionId, outcome] of [
    [70, 0, 'begins anew'],
    [71, 7, 'begins anew'],
    [106, 7, 'begins anew'],
    [-1, 7, 'failed'],
  ] as const) {
    const session = begun();
    session.put(at(2));
    session.remove(at(0));
    session.next();
    t.equal(session.answered(error, 0), outcome);
    t.strictSame(next(session), { at: [sessionId, 0], asks: ['1@0', '2@0'], forgets: [] });
  }
  const lost = begun();
  lost.next();
  lost.lost();
  t.strictSame(next(lost), { at: [7, 0], asks: ['0@0', '1@0'], forgets: [] }, 'in place of the one before');
});

t.test('where the broker gives no session, each request asks for all', async (t) => {
  const session = new FetchSession();
  session.put(at(0));
  for (let round = 0; round < 2; round++) {
    t.strictSame(next(session), { at: [0, 0], asks: ['0@0'], forgets: [] });
    session.answered(0, 0);
  }
});

t.test('a session has ids, or names where one topic has no id', async (t) => {
  const session = begun();
  session.put(at(0, 0n, { topic: 'old', topicId: undefined }));
  const { byId, sessionEpoch, positions } = session.next();
  t.strictSame([byId, sessionEpoch, positions.length], [false, 0, 3]);
  session.answered(0, 8);
  session.remove(at(0, 0n, { topic: 'old' }));
  t.match(session.next(), { byId: true, sessionEpoch: 0, sessionId: 8 });
});

t.test('epochs begin again at 1', async (t) => {
  t.strictSame([0, 1, 2 ** 31 - 2, 2 ** 31 - 1].map(epochAfter), [1, 2, 2 ** 31 - 1, 1]);
});

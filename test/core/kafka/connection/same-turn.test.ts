import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { SameTurn } from '../../../../core/kafka/connection/same-turn.ts';

t.test('one request for all names of a turn, each once, and as patient as the most patient', async (t) => {
  const asked: unknown[] = [];
  const reads = new SameTurn(async (names, deadlineMs) => asked.push([names, deadlineMs]));
  const deadlineMs = performance.now() + 60_000;
  const first = reads.ask(['a', 'b'], deadlineMs);
  const second = reads.ask(['b', 'c'], deadlineMs + 1);
  t.strictSame(await Promise.all([first, second]), [1, 1]);
  t.equal(await reads.ask(['a'], deadlineMs), 2, 'what comes later is asked anew');
  t.strictSame(asked, [
    [['a', 'b', 'c'], deadlineMs + 1],
    [['a'], deadlineMs],
  ]);
});

t.test('whoever has less time does not wait for the others', async (t) => {
  const answer = Promise.withResolvers<string>();
  const reads = new SameTurn(() => answer.promise);
  const patient = reads.ask(['a'], performance.now() + 60_000);
  await t.rejects(reads.ask(['b'], performance.now()), { code: 'MILLRACE_KAFKA_UNREACHABLE' });
  answer.resolve('late');
  t.equal(await patient, 'late');
});

t.test('all of a turn are told why there is no answer, and nobody after them', async (t) => {
  let isAway = true;
  const reads = new SameTurn(async (names) => {
    if (isAway) throw new Error('away');
    return names;
  });
  const deadlineMs = performance.now() + 60_000;
  const both = await Promise.allSettled([reads.ask(['a'], deadlineMs), reads.ask(['b'], deadlineMs)]);
  t.strictSame(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  await turn();
  isAway = false;
  t.strictSame(await reads.ask(['a'], deadlineMs), ['a']);
});

import t from 'tap';
import { ErrorBoundary } from '../../../core/contract/error-boundary.ts';

function watched() {
  const faults: Error[] = [];
  return { boundary: new ErrorBoundary((fault) => faults.push(fault)), faults };
}

const fail = (): never => {
  throw new Error('a bug');
};

t.test('what works is as without it', async (t) => {
  const { boundary, faults } = watched();
  const calls: number[] = [];
  boundary.guard((call: number) => calls.push(call))(1);
  await boundary.settled(Promise.resolve());
  t.equal(
    boundary.run(() => 2),
    2,
  );
  t.equal(
    boundary.pass(() => 3),
    3,
  );
  t.strictSame(calls, [1]);
  t.strictSame(faults, []);
  t.equal(boundary.isBroken, false);
});

t.test('the first fault is reported, and no other', async (t) => {
  const entries: ((boundary: ErrorBoundary) => unknown)[] = [
    (boundary) => boundary.run(fail),
    (boundary) => boundary.guard(fail)(),
    (boundary) => boundary.settled(Promise.reject(new Error('a bug'))),
    (boundary) => boundary.fail('a bug'),
  ];
  for (const enter of entries) {
    const { boundary, faults } = watched();
    await enter(boundary);
    t.equal(boundary.isBroken, true);
    await enter(boundary);
    t.match(faults, [{ message: 'a bug' }]);
    t.equal(faults.length, 1);
  }
});

t.test('who must know is told too', (t) => {
  const { boundary, faults } = watched();
  t.throws(() => boundary.pass(fail), { message: 'a bug' });
  t.equal(faults.length, 1);
  t.end();
});

t.test('what has ended is not called any more, and has no faults', (t) => {
  const { boundary, faults } = watched();
  const calls: string[] = [];
  const late = boundary.guard(() => calls.push('late'));
  boundary.close();
  late();
  boundary.fail(new Error('late'));
  t.strictSame([calls, faults], [[], []]);
  t.end();
});

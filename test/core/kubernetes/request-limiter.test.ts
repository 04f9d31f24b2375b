import t from 'tap';
import { RequestLimiter } from '../../../core/kubernetes/request-limiter.ts';

t.test('a burst passes at once, and the others in their order, what is in the background last', async (t) => {
  const limiter = new RequestLimiter({ eventsPerSecond: 20, burst: 2 });
  const passed: string[] = [];
  const pass = (name: string, isBackground = false): Promise<unknown> =>
    limiter.pass(undefined, isBackground).then(() => passed.push(name));
  await Promise.all([pass('a'), pass('b')]);
  t.strictSame(passed, ['a', 'b']);
  await Promise.all([pass('event 1', true), pass('event 2', true), pass('c'), pass('d')]);
  t.strictSame(passed.slice(2), ['c', 'd', 'event 1', 'event 2']);
});

t.test('whoever gives up does not hold up the others', async (t) => {
  const limiter = new RequestLimiter({ eventsPerSecond: 200, burst: 1 });
  const ending = new AbortController();
  await limiter.pass();
  const [left, stayed] = [limiter.pass(ending.signal), limiter.pass()];
  ending.abort(new Error('enough'));
  await t.rejects(left, { message: 'enough' });
  await stayed;
  await t.rejects(limiter.pass(ending.signal), { message: 'enough' });
});

import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { oneAtATime } from '../../../../core/kafka/records/one-at-a-time.ts';

t.test('one at a time, in their order, whether they fail or not', async (t) => {
  const seen: string[] = [];
  const work = (name: string, fails: boolean) => async (): Promise<string> => {
    seen.push(`${name} begins`);
    await turn();
    seen.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const results = await Promise.allSettled([
    oneAtATime(work('a', true)),
    oneAtATime(work('b', false)),
    oneAtATime(work('c', false)),
  ]);
  t.match(results, [{ reason: { message: 'a' } }, { value: 'b' }, { value: 'c' }]);
  t.strictSame(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});

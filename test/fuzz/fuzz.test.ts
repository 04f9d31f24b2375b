// The short run: every seed that was ever kept, and some hundred mutations. `npm run fuzz` goes on as long as one likes, guided by coverage.
import t from 'tap';
import { createRandom } from '../fixtures/seeded-random.ts';
import { maxInputBytes, mutate } from './mutate.ts';
import { runApart, usualLimits, type Outcome } from './run-apart.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';

t.setTimeout(300_000);
const seed = Date.now() % 2 ** 32;

for (const { name, seeds } of targets) {
  t.test(`${name}: ${seeds.length} seeds, and what becomes of them`, async (t) => {
    const module = import.meta.resolve('./targets.ts');
    const inputs = seeds.length + 200;
    const outcome = await runApart({ module, name, seed, inputs, seconds: 30, isGuided: false });
    if (outcome.kind === 'broken') t.fail(`${outcome.why} (seed ${seed})`, { input: inputOf(outcome) });
    else t.ok(outcome.inputs > seeds.length);
  });
}

function inputOf({ input }: Outcome & { kind: 'broken' }): string {
  return Buffer.from(input).toString('base64');
}

t.test('what throws, stands still, fills the memory or leaves is told with its input', async (t) => {
  const module = new URL('fixtures/targets.ts', import.meta.url).href;
  for (const [name, why, limits] of [
    ['throws', /not this one/, usualLimits],
    ['rejects', /nor this one/, usualLimits],
    ['stands-still', /no answer within 1000 ms/, { ...usualLimits, stillMs: 1_000 }],
    ['fills-the-memory', /heap out of memory/, { stillMs: 60_000, heapMb: 64 }],
    ['leaves', /ended \(3\)/, usualLimits],
  ] as const) {
    const request = { module, name, seed: 1, inputs: 100_000, seconds: 60, isGuided: false };
    const outcome = await runApart(request, limits);
    t.match(outcome, { kind: 'broken', why }, name);
    t.match(Buffer.from((outcome as Outcome & { kind: 'broken' }).input).toString(), 'b', name);
  }
});

t.test('inputs of one seed are always the same, and never too long', async (t) => {
  const known: Target['seeds'] = [Buffer.from('one'), Buffer.from('another'.repeat(5_000))];
  const some = (seed: number): string[] => {
    const random = createRandom(seed);
    return Array.from({ length: 300 }, () => mutate(random, known).toString('base64'));
  };
  t.strictSame(some(1), some(1));
  t.notSame(some(1), some(2));
  t.ok(some(3).every((input) => Buffer.from(input, 'base64').length <= maxInputBytes));
});

t.test('what reaches code that nothing has reached is found', async (t) => {
  const module = new URL('fixtures/targets.ts', import.meta.url).href;
  const request = { module, name: 'hardly-known', seed: 1, inputs: 2_000, seconds: 30, isGuided: true };
  const outcome = await runApart(request);
  const found = outcome.kind === 'sound' ? outcome.found.map((input) => Buffer.from(input).toString()) : [];
  t.ok(
    found.some((input) => input.includes('\\')),
    'an input with a backslash',
  );
});

// The short run: every stored seed, and a few hundred mutations. `npm run fuzz` runs for any length of time, guided by coverage.
import t from 'tap';
import { createRandom } from '../fixtures/seeded-random.ts';
import { maxInputBytes, mutate } from './mutate.ts';
import { runInChild, usualLimits, type Outcome } from './run-in-child.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';

t.setTimeout(300_000);
const seed = Date.now() % 2 ** 32;

for (const { name, seeds } of targets) {
  t.test(`${name} withstands ${seeds.length} seeds and their mutations`, async (t) => {
    const module = import.meta.resolve('./targets.ts');
    const inputs = seeds.length + 200;
    const outcome = await runInChild({ module, name, seed, inputs, seconds: 30, isGuided: false });
    if (outcome.kind === 'broken') t.fail(`${outcome.why} (seed ${seed})`, { input: inputOf(outcome) });
    else t.ok(outcome.inputs > seeds.length);
  });
}

function inputOf({ input }: Outcome & { kind: 'broken' }): string {
  return Buffer.from(input).toString('base64');
}

t.test('a target that throws, stalls, fills the memory or exits is reported with its input', async (t) => {
  const module = new URL('fixtures/targets.ts', import.meta.url).href;
  for (const [name, why, limits] of [
    ['throws', /not this one/, usualLimits],
    ['rejects', /nor this one/, usualLimits],
    ['stalls', /no answer within 1000 ms/, { ...usualLimits, stallMs: 1_000 }],
    ['fills-the-memory', /heap out of memory/, { stallMs: 60_000, heapMb: 64 }],
    ['exits', /ended \(3\)/, usualLimits],
  ] as const) {
    const request = { module, name, seed: 1, inputs: 100_000, seconds: 60, isGuided: false };
    const outcome = await runInChild(request, limits);
    t.match(outcome, { kind: 'broken', why }, name);
    t.match(Buffer.from((outcome as Outcome & { kind: 'broken' }).input).toString(), 'b', name);
  }
});

t.test('the same seed gives the same inputs, none too long', async (t) => {
  const known: Target['seeds'] = [Buffer.from('one'), Buffer.from('another'.repeat(5_000))];
  const some = (seed: number): string[] => {
    const random = createRandom(seed);
    return Array.from({ length: 300 }, () => mutate(random, known).toString('base64'));
  };
  t.strictSame(some(1), some(1));
  t.notSame(some(1), some(2));
  t.ok(some(3).every((input) => Buffer.from(input, 'base64').length <= maxInputBytes));
});

t.test('guidance finds inputs that reach new code', async (t) => {
  const module = new URL('fixtures/targets.ts', import.meta.url).href;
  const request = { module, name: 'needs-guidance', seed: 1, inputs: 2_000, seconds: 30, isGuided: true };
  const outcome = await runInChild(request);
  const found = outcome.kind === 'sound' ? outcome.found.map((input) => Buffer.from(input).toString()) : [];
  t.ok(
    found.some((input) => input.includes('\\')),
    'an input with a backslash',
  );
});

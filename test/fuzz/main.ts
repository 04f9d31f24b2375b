// npm run fuzz -- --seconds N --target NAME: fuzzes each target, or that one, for N seconds, guided by coverage. The exit code is 1 if one breaks.
//
//   npm run fuzz                              all targets, 30 s each
//   npm run fuzz -- --target cel --keep       keeps inputs that reach new code, for `npm test` too
//   npm run fuzz -- --target cel --input BASE64    replays one input
import { parseArgs } from 'node:util';
import { runInChild, type Outcome } from './run-in-child.ts';
import { keepSeeds } from './seeds.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    target: { type: 'string' },
    input: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
if (chosen.length === 0 || ![seconds, seed].every((one) => one > 0)) {
  console.error('usage: npm run fuzz -- [--seconds N] [--seed S] [--target NAME [--input BASE64]] [--keep]');
  console.error(`targets: ${targets.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

if (values.input !== undefined) {
  for (const target of chosen) await target.attempt(Buffer.from(values.input, 'base64'));
} else {
  console.log(`seed ${seed}`);
  for (const { name } of chosen) {
    const limits = { inputs: Infinity, seconds, isGuided: true };
    const outcome = await runInChild({ module: import.meta.resolve('./targets.ts'), name, seed, ...limits });
    console.log(describe(name, outcome));
    if (outcome.kind === 'broken') process.exitCode = 1;
    else if (values.keep) keepSeeds(name, outcome.found);
  }
}

function describe(name: string, outcome: Outcome): string {
  const base64 = (input: Uint8Array): string => Buffer.from(input).toString('base64');
  if (outcome.kind === 'broken')
    return `${name}: ${outcome.why}\n  again: npm run fuzz -- --target ${name} --input ${base64(outcome.input)}`;
  const { inputs, worstMs, worst, found, peakMb, blocks } = outcome;
  const figures = [
    `${inputs} inputs`,
    `${Math.round(inputs / seconds)} a second`,
    `${blocks} blocks reached`,
    `${found.length} inputs reached new code`,
    `the slowest took ${worstMs.toFixed(1)} ms (${worst.length} bytes)`,
    `heap up to ${peakMb.toFixed(0)} MiB`,
  ];
  return `${name}: ${figures.join(', ')}`;
}

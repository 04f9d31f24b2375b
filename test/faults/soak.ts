// npm run soak -- --minutes N --seed S: runs the seeds from S on until the time is over, or until --count of them have run. The exit code
// is 1 when one has failed.
//
//   npm run soak -- --minutes 60              an hour from seed 1
//   npm run soak -- --seed 17 --count 1       replays seed 17, step by step
import { parseArgs } from 'node:util';
import { createReusedCluster } from './testbed/reused-cluster.ts';
import { generateScenario } from './scenario/generate-scenario.ts';
import { writeLog } from './report/write-log.ts';
import { outcomeLine } from './report/outcome-line.ts';
import { runScenario, type Outcome } from './run-scenario.ts';
import { describeScenario } from './scenario/scenario.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    count: { type: 'string' },
    /** classic or consumer, for all seeds. */
    protocol: { type: 'string' },
    help: { type: 'boolean', default: false },
    /** Prints each step as it happens. A single seed always does. */
    verbose: { type: 'boolean', default: false },
  },
});
const firstSeed = Number(values.seed);
const count = Number(values.count ?? (values.minutes === undefined ? 1 : Infinity));
const endMs = Date.now() + Number(values.minutes ?? Infinity) * 60_000;
const { protocol } = values;
const isProtocol = protocol === undefined || protocol === 'classic' || protocol === 'consumer';
if (![firstSeed, count, endMs].every((one) => one > 0) || !isProtocol || values.help) {
  console.error(
    'usage: npm run soak -- [--minutes N] [--seed S] [--count N] [--protocol classic|consumer] [--verbose]',
  );
  process.exit(values.help ? 0 : 2);
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    interrupted.abort();
    console.log('ending after this seed; again to end at once');
    process.once(signal, () => process.exit(130));
  });
}

const failed: number[] = [];
let done = 0;
const cluster = createReusedCluster();
try {
  for (let seed = firstSeed; !interrupted.signal.aborted && done < count && Date.now() < endMs; seed += 1) {
    const isVerbose = values.verbose || count === 1;
    const scenario = generateScenario(seed, protocol);
    if (isVerbose) console.log(describeScenario(scenario).join('\n'));
    const outcome = await runScenario(
      await cluster.forNextSeed(),
      scenario,
      isVerbose ? (line) => console.log(line) : undefined,
    );
    done += 1;
    if (outcome.isClusterBroken) await cluster.discard();
    console.log(outcomeLine(outcome));
    for (const note of outcome.notes) console.log(`  note: ${note}`);
    if (outcome.problems.length > 0) {
      failed.push(seed);
      await reportProblems(outcome);
    }
  }
} finally {
  await cluster.discard();
}
for (const seed of failed) console.log(`replay: npm run soak -- --seed ${seed} --count 1`);
console.log(`${done} seeds, ${failed.length} failed`);
process.exit(failed.length > 0 ? 1 : 0);

async function reportProblems(outcome: Outcome): Promise<void> {
  for (const problem of outcome.problems) console.log(`  ${problem}`);
  console.log(`  what happened: ${await writeLog(outcome)}`);
}

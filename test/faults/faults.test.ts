// The short run: a few seeds, chosen so that every kind of fault happens. `npm run soak` runs any number of seeds.
import t from 'tap';
import { createReusedCluster } from './testbed/reused-cluster.ts';
import { everyFaultName, generateScenario } from './scenario/generate-scenario.ts';
import { writeLog } from './report/write-log.ts';
import { outcomeLine } from './report/outcome-line.ts';
import { runScenario } from './run-scenario.ts';
import { describeScenario, faultNames } from './scenario/scenario.ts';

const seeds = [6367, 50555, 25186, 16462, 7310, 18248];

t.setTimeout(1_200_000);

t.test('the seeds cover every kind of fault', async (t) => {
  const tried = seeds.flatMap((seed) => faultNames(generateScenario(seed)));
  t.strictSame(
    [...everyFaultName()].filter((name) => !tried.includes(name)),
    [],
  );
});

t.test('every seed passes the oracle', { timeout: 1_200_000 }, async (t) => {
  const cluster = createReusedCluster();
  t.teardown(() => cluster.discard());
  for (const seed of seeds) {
    await t.test(`seed ${seed}`, { timeout: 300_000 }, async (t) => {
      const scenario = generateScenario(seed);
      for (const line of describeScenario(scenario)) t.comment(line);
      const outcome = await runScenario(await cluster.forNextSeed(), scenario);
      if (outcome.isClusterBroken) await cluster.discard();
      t.comment(outcomeLine(outcome));
      for (const note of outcome.notes) t.comment(`note: ${note}`);
      if (outcome.problems.length > 0) t.comment(`what happened: ${await writeLog(outcome)}`);
      t.strictSame(outcome.problems, [], `replay: npm run soak -- --seed ${seed} --count 1`);
    });
  }
});

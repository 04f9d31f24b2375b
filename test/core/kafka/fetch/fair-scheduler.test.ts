import { setImmediate as nextRound } from 'node:timers/promises';
import fc from 'fast-check';
import t from 'tap';
import { FairScheduler } from '../../../../core/kafka/fetch/fair-scheduler.ts';

/** Hands over `batches`, each of which takes `tookMs`, and notes each in `log`; never waits but for its turn. */
async function handOver(
  scheduler: FairScheduler,
  name: string,
  batches: number,
  tookMs: number,
  log: string[],
) {
  for (let batch = 0; batch < batches; batch += 1) {
    log.push(name);
    await scheduler.next(tookMs);
  }
}

/** Notes each round of the event loop in `log`, until `isOver`. */
async function noteRounds(log: string[], isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await nextRound();
    log.push('round');
  }
}

t.test('however much there is to hand over, the loop goes round, and everyone has a turn', async (t) => {
  const scheduler = new FairScheduler();
  const log: string[] = [];
  let isOver = false;
  const rounds = noteRounds(log, () => isOver);
  await Promise.all([
    handOver(scheduler, 'noisy', 200, 9, log),
    handOver(scheduler, 'noisier', 400, 50, log),
    handOver(scheduler, 'quiet', 20, 0.1, log),
  ]);
  isOver = true;
  await rounds;
  const perRound = log
    .join(' ')
    .split('round')
    .map((round) => round.trim().split(' ').length);
  // The first batch of each comes unasked; from then on one goes at a time.
  t.ok(Math.max(...perRound.slice(2)) <= 2, `${Math.max(...perRound)} batches in one round`);
  const lastQuiet = log.lastIndexOf('quiet');
  const before = log.slice(0, lastQuiet);
  for (const name of ['noisy', 'noisier']) {
    const count = before.filter((one) => one === name).length;
    t.ok(count <= 22, `20 quiet batches waited for ${count} of ${name}`);
  }
});

t.test('small batches cost no round each', async (t) => {
  const scheduler = new FairScheduler();
  const log: string[] = [];
  let isOver = false;
  const rounds = noteRounds(log, () => isOver);
  await handOver(scheduler, 'small', 3_000, 0.1, log);
  isOver = true;
  await rounds;
  const count = log.filter((one) => one === 'round').length;
  t.ok(count > 50 && count < 200, `${count} rounds for 300 ms of work`);
});

t.test('everyone comes to an end, whatever they hand over, and nothing is left waiting', async () => {
  const anyWork = fc.record({ batches: fc.nat(30), tookMs: fc.double({ min: 0, max: 20, noNaN: true }) });
  await fc.assert(
    fc.asyncProperty(fc.array(anyWork, { maxLength: 6 }), async (all) => {
      const scheduler = new FairScheduler();
      const log: string[] = [];
      await Promise.all(
        all.map(({ batches, tookMs }, index) => handOver(scheduler, `${index}`, batches, tookMs, log)),
      );
      for (const [index, { batches }] of all.entries())
        if (log.filter((one) => one === `${index}`).length !== batches)
          throw new Error(`${index} lost a turn`);
    }),
    { numRuns: 50 },
  );
});

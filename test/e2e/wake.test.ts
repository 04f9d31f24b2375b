// An annotated Deployment scales to zero, wakes with its topic, scales with its backlog, and scales to zero again. Without the annotations it is
// as before.
import t from 'tap';
import { createRestricted, installMillrace, useCluster } from '../fixtures/kubernetes/cluster.ts';
import { accepts } from '../fixtures/oracle/oracle-function.ts';
import { until } from '../scaler/fixtures/until.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { deployFunction } from './pod-function.ts';
import { describeTimelines, median, ownMs, recordTimeline, type Timeline } from './timeline.ts';

const wakes = Number(process.env.MILLRACE_E2E_WAKES ?? 10);

t.test('a function scales 0 → 1 → N → 0 with its traffic', { timeout: 900_000 }, async (t) => {
  const cluster = await useCluster(t);
  const millrace = await installMillrace(t, cluster);
  const namespace = await createRestricted(t, cluster, 'wake');
  const deployed = await deployFunction(t, cluster, {
    namespace,
    annotations: { 'max-replicas': '4', 'lag-threshold': '20', concurrency: '4' },
  });
  const { oracle } = deployed;
  await deployed.untilReady();
  await deployed.untilAsleep();
  const columns = await deployed.kubectl(['get', 'mtr']);
  t.match(columns, /NAME +READY +REASON +TOPICS +FUNCTION +BACKLOG +REPLICAS +AGE/);
  t.match(
    columns,
    new RegExp(`${deployed.name} +True +\\S+ +${deployed.topic} +deployment/${deployed.name}`),
  );
  oracle.watchCommits();

  await t.test(
    'a sleeping function gets its first event within a second, apart from the start of the pod',
    async (t) => {
      const recorder = await recordTimeline(t, deployed, millrace);
      const timelines: Timeline[] = [];
      for (let wake = 0; wake < wakes; wake += 1) {
        await deployed.untilAsleep();
        await delay(1_000); // lets the watches of the recorder catch up
        const before = oracle.receipts.length;
        recorder.begin();
        const appendedMs = Date.now();
        await oracle.produce(1);
        const receipt = await until(() => oracle.receipts[before], 60_000);
        await until(() => receipt.acceptedMs !== undefined);
        await delay(500); // logs arrive late
        timelines.push(recorder.end(appendedMs, receipt.receivedMs));
      }
      process.stderr.write(`${describeTimelines(timelines).join('\n')}\n`);
      const own = median(timelines.map(ownMs));
      t.ok(own < 1_000, `record to first byte, less the pod's own start: ${own} ms is less than 1 s`);
      const attempts = oracle.receipts.map(({ attempt }) => attempt);
      t.strictSame(new Set(attempts), new Set([1]), 'no attempt was counted while there was no replica');
    },
  );

  await t.test('replicas follow the backlog, down to zero', async (t) => {
    deployed.collector.behave(async (call) => {
      await delay(40);
      return accepts(call);
    });
    const endLoad = oracle.load({ keys: 200, perRequest: 100, lead: 1_500 });
    await deployed.untilReplicas(3);
    await endLoad();
    deployed.collector.behave(accepts);
    await deployed.untilAsleep(120_000);
    const verdict = await oracle.verdict();
    t.strictSame(verdict.problems, []);
    t.strictSame(verdict.duplicates, [], 'nothing is delivered twice');
    t.comment(`${verdict.records} records`);
  });

  await t.test('removing the annotation removes everything that was made for it', async (t) => {
    await deployed.annotate({ topics: undefined });
    const made = ['triggers', 'scaledobjects', 'services', 'hpa'].join(',');
    await until(async () => (await deployed.kubectl(['get', made, '-o', 'name'])) === '', 90_000);
    t.equal((await deployed.replicas()).wanted, 1, 'the replicas are restored');
  });
});

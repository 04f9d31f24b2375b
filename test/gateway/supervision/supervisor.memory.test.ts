// Triggers that come and go leave nothing behind: connections, credentials, series of metrics, memory.
import t from 'tap';
import { createLog } from '../../../core/process/log.ts';
import { logEvents } from '../../../gateway/admin/log-events.ts';
import { createMetrics } from '../../../gateway/admin/gateway-metrics.ts';
import { retainedMb } from '../../fixtures/retained-memory.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { supervise, trigger, type Supervised } from './supervise.ts';

t.setTimeout(120_000);

const batch = 500;
const filters = [{ kind: 'not' as const, filter: { kind: 'cel' as const, expression: 'data.nothing == 1' } }];

/** Each delivers a record that is retried, and one of which a filter fails; is edited, and gone. */
async function comeAndGo({ supervisor, kafkaOf, forget }: Supervised, first: number): Promise<void> {
  const names = Array.from({ length: batch }, (_, index) => `t${first + index}`);
  const wanted = (type: string) =>
    names.map((name) => trigger(name, { filters, event: { type, dialect: 'millrace' } }));
  const kafkas = names.map((name) => kafkaOf(`geo/${name}`));
  await supervisor.want(wanted('first'));
  for (const kafka of kafkas) for (const key of ['a', 'b']) kafka.produce({ key });
  await until(() => kafkas.every((kafka) => kafka.isDone()));
  await supervisor.want(wanted('edited'));
  await supervisor.want([]);
  forget();
}

t.test('2,000 triggers come and go, and all is as before', async (t) => {
  const supervised = await supervise(t, (_call, index) => (index % 2 === 0 ? 503 : 204));
  const { supervisor, events, open } = supervised;
  const metrics = createMetrics(events, () => supervisor.snapshot());
  logEvents(events, createLog('debug', { write: () => undefined }));
  const series = async () =>
    (await metrics.metrics()).split('\n').filter((line) => line.includes('trigger="'));
  await comeAndGo(supervised, 0);
  const beforeMb = retainedMb();
  for (let first = batch; first < 2_000; first += batch) await comeAndGo(supervised, first);
  t.strictSame([supervisor.size, open], [0, { clusters: 0, watches: 0, accesses: 0 }]);
  t.strictSame(await series(), []);
  const grownMb = retainedMb() - beforeMb;
  t.ok(grownMb < 4, `${grownMb.toFixed(1)} MiB more than before`);
});

t.test('a trigger that comes back is counted anew, also as the same object', async (t) => {
  const { supervisor, kafkaOf, events } = await supervise(t);
  const metrics = createMetrics(events, () => supervisor.snapshot());
  const delivered = async () =>
    /settled_records_total\{.*settlement="delivered"\} (\d+)/.exec(await metrics.metrics())?.[1];
  const same = trigger('a');
  for (let life = 0; life < 2; life += 1) {
    await supervisor.want([same]);
    kafkaOf('geo/a').produce();
    await until(() => kafkaOf('geo/a').isDone());
    t.equal(await delivered(), '1');
    await supervisor.want([]);
    t.equal(await delivered(), undefined);
  }
});

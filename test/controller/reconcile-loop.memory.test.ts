// Triggers that come and go leave nothing behind in the controller.
import t from 'tap';
import { deploymentKind, eventKind, triggerKind } from '../../core/resources/kinds.ts';
import { retainedMb } from '../fixtures/retained-memory.ts';
import { until } from '../scaler/fixtures/until.ts';
import { startSmallScaler } from './fixtures/scaler.ts';
import { deploymentOf, startTestController, triggerOf } from './fixtures/test-controller.ts';

t.setTimeout(120_000);
const count = 60;
const rounds = 8;

t.test('what is made for triggers goes with them', async (t) => {
  const scaler = await startSmallScaler(t);
  const { client, kafka, ...controller } = startTestController(t, { scaler });
  const names = Array.from({ length: count }, (_, index) => `t${index}`);
  const round = async (): Promise<void> => {
    kafka.members = 1;
    for (const name of names) {
      await client.create(deploymentOf(name));
      await client.create(triggerOf(name, { topics: ['earthquakes'], deployment: name }));
    }
    for (const name of names) await controller.untilCondition(name, 'SourceReady', 'Consuming');
    kafka.members = 0;
    for (const name of names) {
      await client.remove(triggerKind, 'geo', name);
      await client.remove(deploymentKind, 'geo', name);
    }
    await until(async () => (await client.list(triggerKind)).length === 0);
    await controller.settled();
    // The API server in memory is no part of the controller.
    for (const { metadata } of await client.list(eventKind))
      await client.remove(eventKind, 'geo', metadata.name);
    client.asked.length = 0;
  };
  await round();
  const before = retainedMb();
  for (let index = 0; index < rounds; index++) await round();
  const perTrigger = ((retainedMb() - before) * 2 ** 20) / (rounds * count);
  // A trigger with its subscription and resources takes some 30 KiB. Its Events are remembered for ten minutes, in some 3.
  t.ok(perTrigger < 8 * 1024, `${Math.round(perTrigger)} bytes are left of each`);
});

// Exceptions that nobody expected, in the source itself: its owner is told, and can stop it. Against a real broker.
import t from 'tap';
import type { RecordSource } from '../../../../core/contract/record-source.ts';
import { openCluster } from '../../../../core/kafka/connection/clusters.ts';
import { Assignment } from '../../../../core/kafka/source/assignment.ts';
import { TopicMemory } from '../../../../core/kafka/topics/topic-memory.ts';
import { createTopic, produce, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { subscriptionOf } from '../../../fixtures/subscription.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { Listener, values } from '../fixtures/member.ts';

t.setTimeout(60_000);

class FaultListener extends Listener {
  readonly faults: Error[] = [];

  override failed(fault: Error): void {
    this.faults.push(fault);
  }
}

const fail = (): never => {
  throw new TypeError('a bug');
};

t.test('one that fails in what the sources of a cluster share does not touch the others', async (t) => {
  const servers = await useKafka(t);
  const cluster = openCluster({ brokers: servers.split(','), clientId: 'faults-test' });
  t.teardown(() => cluster.close());
  const members = await Promise.all(
    ['failing', 'other'].map(async (name) => {
      const topic = await createTopic(t, servers, { partitions: 1 });
      const listener = new FaultListener();
      const source: RecordSource = cluster.createSource(
        subscriptionOf(name, { source: { topics: [topic], consumerGroup: uniqueName(name) } }),
        listener,
      );
      t.teardown(() => source.stop());
      source.start();
      return { topic, listener, source };
    }),
  );
  const [failing, other] = members as [(typeof members)[0], (typeof members)[0]];
  await until(() => members.every(({ listener }) => listener.isConsuming));
  const { isAnother } = TopicMemory.prototype;
  let looks = 0;
  t.capture(TopicMemory.prototype, 'isAnother', function (this: TopicMemory, ...args: unknown[]) {
    const given = args as Parameters<typeof isAnother>;
    if (given[0] === failing.topic) return fail();
    looks += 1;
    return isAnother.apply(this, given);
  });
  await until(() => looks >= 2, 30_000);
  t.match(failing.listener.faults, [{ message: 'a bug' }]);
  t.strictSame(other.listener.faults, []);
  await failing.source.stop();
  await produce(servers, other.topic, values(3));
  await until(() => other.listener.records_.length === 3);
});

t.test('work that nobody awaits: its fault is told, and a stop comes to its end', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  const listener = new FaultListener();
  t.capture(Assignment.prototype, 'release', fail);
  t.capture(Assignment.prototype, 'closeAll', fail);
  const cluster = openCluster({ brokers: servers.split(','), clientId: 'faults-test' });
  t.teardown(() => cluster.close());
  const source = cluster.createSource(
    subscriptionOf('failing', { source: { topics: [topic], consumerGroup: uniqueName('failing') } }),
    listener,
  );
  source.start();
  await source.stop();
  t.match(listener.faults, [{ message: 'a bug' }]);
});

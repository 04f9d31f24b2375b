// A stop that takes long: what is under way is waited for, and nothing is fetched meanwhile, again and again.
import t from 'tap';
import { FairScheduler } from '../../../../core/kafka/fetch/fair-scheduler.ts';
import { createFetcher } from '../../../../core/kafka/fetch/create-fetcher.ts';
import { chooseMembership } from '../../../../core/kafka/group/choose-membership.ts';
import { createRecordSources } from '../../../../core/kafka/source/group-record-source.ts';
import { createTopic, produce, uniqueName, useKafka } from '../../../fixtures/kafka/kafka.ts';
import { subscriptionOf } from '../../../fixtures/subscription.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { Listener } from '../fixtures/member.ts';
import { openConnections } from '../fixtures/offsets.ts';

t.setTimeout(60_000);

for (const protocol of ['classic', 'consumer'] as const) {
  t.test(
    `a record that comes while a member of the ${protocol} protocol stops costs no fetches`,
    async (t) => {
      const servers = await useKafka(t);
      const topic = await createTopic(t, servers, { partitions: 2 });
      const requests: string[] = [];
      const opened = openConnections(t, servers, { onRequest: (apiName) => void requests.push(apiName) });
      const login = { ...opened, close: () => opened.connections.close() };
      const fetcher = createFetcher({ ...opened, scheduler: new FairScheduler() });
      t.teardown(() => fetcher.close());
      const createMembership = chooseMembership(protocol, () => undefined);
      const createSource = createRecordSources({ login, fetcher, createMembership });
      const listener = new Listener();
      const released = Promise.withResolvers<void>();
      listener.onRelease = () => released.promise;
      const settings = {
        topics: [topic],
        consumerGroup: uniqueName('group'),
        initialOffset: 'earliest',
      } as const;
      const source = createSource(subscriptionOf('stopping', { source: settings }), listener);
      t.teardown(() => source.stop());
      source.start();
      await produce(servers, topic, [{ partition: 0, value: 'a' }]);
      await until(() => listener.records_.length === 1);

      const stopped = source.stop();
      await until(() => listener.told.some((one) => one.startsWith('release')));
      const { length } = requests;
      await produce(servers, topic, [{ partition: 0, value: 'b' }]);
      const since = (name: RegExp): number => requests.slice(length).filter((one) => name.test(one)).length;
      await until(() => since(/Heartbeat/) >= 2);
      t.ok(since(/^Fetch$/) < 5, `${since(/^Fetch$/)} fetches`);
      t.equal(listener.records_.length, 1);
      released.resolve();
      await stopped;
      t.strictSame(listener.violations, []);
    },
  );
}

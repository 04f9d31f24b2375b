// 2,000 triggers that come, are asked about, edited and removed: what was made for them goes with them.
import t from 'tap';
import type { KafkaAccess } from '../../core/contract/kafka-access.ts';
import type { SecretReader } from '../../core/contract/secret-reader.ts';
import { openSecurity } from '../../core/kafka/connection/security/security.ts';
import { startScaler } from '../../scaler/main.ts';
import { localAccess } from '../fixtures/access/open-server.ts';
import { createTopic, useKafka } from '../fixtures/kafka/kafka.ts';
import { retainedMb } from '../fixtures/retained-memory.ts';
import { memorySecrets } from '../fixtures/secrets/memory-secrets.ts';
import { silentLog } from '../fixtures/silent-log.ts';
import { subscriptionOf, triggerSource } from '../fixtures/subscription.ts';
import { until } from './fixtures/until.ts';

t.setTimeout(240_000);
const triggerCount = 2_000;
const clusterCount = 20;

/** Sockets and timers of this process. */
const resources = () =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap' || kind === 'Timeout').length;

t.test('2,000 triggers come and go', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 1 });
  let reads = 0;
  // Nobody finds a password here, so that each cluster asks again every second.
  const secrets: SecretReader = { ...memorySecrets(), read: async () => void (reads += 1) };
  const source = triggerSource([]);
  const config = { kafkaBrokers: servers.split(','), host: '127.0.0.1', grpcPort: 0, httpPort: 0 };
  const settings = { ...config, access: localAccess, logLevel: 'silent' } as const;
  const scaler = await startScaler(settings, {
    triggers: source,
    secrets,
    replicas: () => 1,
    log: silentLog,
  });
  t.teardown(() => scaler.stop());

  /** Every other trigger reads the installation's Kafka. `edition`: how often the clusters of the others were edited. */
  const declare = (edition: number) => {
    const accesses = Array.from({ length: clusterCount }, (_, index): KafkaAccess => {
      const password = { secretName: `password-${edition}`, key: 'password' };
      const authentication = { type: 'plain', username: `user-${index}`, password } as const;
      return { brokers: ['127.0.0.1:1'], namespace: 'geo', authentication };
    });
    return Array.from({ length: triggerCount }, (_, index) => {
      const access = index % 2 === 0 ? undefined : accesses[index % clusterCount];
      const scale = { targetDrainMs: 60_000, pollingIntervalSeconds: 1 };
      return subscriptionOf(`t${index}`, { source: { topics: [topic], access }, scale });
    });
  };
  const live = async () => {
    for (const edition of [1, 2, 3]) {
      const wanted = declare(edition);
      source.tell(wanted);
      const stops = wanted.map(({ key }) => scaler.demand.onActive(key, () => undefined));
      for (const { key } of wanted) scaler.demand.wake(key);
      const asked = await Promise.allSettled(wanted.map(({ key }) => scaler.demand.metric(key)));
      const answered = asked.filter(({ status }) => status === 'fulfilled').length;
      await until(async () => (await scaler.demand.metric('geo/t0')) === 0n);
      t.ok(answered <= triggerCount / 2, `${answered} answers`);
      for (const stop of stops) stop();
    }
    source.tell([]);
  };
  const series = async () => {
    const text = await (await fetch(`${scaler.httpUrl}/metrics`)).text();
    return text.split('\n').filter((line) => line.startsWith('millrace_scaler_backlog_records{')).length;
  };

  await live();
  await until(() =>
    scaler.demand.backlog('geo/t0').then(
      () => false,
      () => true,
    ),
  );
  t.equal(await series(), 0);
  const before = { resources: resources(), mb: retainedMb() };
  await live();
  await until(() => resources() <= before.resources).catch(() => t.equal(resources(), before.resources));
  t.equal(await series(), 0);
  t.ok(retainedMb() - before.mb < 8, 'memory is given back');

  // As long as this one asks for its password a few times, nobody else does.
  const left = reads;
  let asked = 0;
  const security = openSecurity({
    brokers: ['127.0.0.1:1'],
    mechanism: 'plain',
    read: () => Promise.reject(new Error(`no password, for the ${(asked += 1)}th time`)),
  });
  t.teardown(() => security.close());
  await until(() => asked >= 3);
  t.equal(reads, left, 'nobody reads the Secrets of clusters that are gone');
});

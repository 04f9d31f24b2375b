// Three brokers that all seeds share. Each gateway reaches each broker through a TCP proxy of its own: brokers have a listener per
// gateway and advertise the proxy there. The oracle connects to the brokers directly.
import { findFreePorts } from '../../../cli/kafka/free-ports.ts';
import { startLocalKafka, type LocalBroker, type LocalKafka } from '../../../cli/kafka/local-kafka.ts';
import { withAdmin } from '../../fixtures/kafka/kafka.ts';
import { openTcpProxy, type TcpProxy } from '../../fixtures/kafka/tcp-proxy.ts';
import { until } from '../../scaler/fixtures/until.ts';
import { findController } from './find-controller.ts';
import type { BrokerRole } from '../scenario/scenario.ts';
import type { Teardown } from './scope.ts';

/** How one gateway reaches Kafka. */
export type Route = { bootstrapServers: string; proxies: TcpProxy[] };

export type Cluster = {
  /** The direct addresses, without a proxy. */
  bootstrapServers: string;
  /** One per gateway. */
  routes: Route[];
  brokers: LocalBroker[];
  /** No two pieces of work overlap: only one at a time takes a broker away. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** The broker that has this role now. `leader`: of partition 0 of `topic`. */
  find(role: BrokerRole, topic: string): Promise<LocalBroker>;
  /** The partitions of the topic that this broker leads now. */
  ledBy(broker: LocalBroker, topic: string): Promise<Set<number>>;
  /** One per gateway. */
  proxiesOf(broker: LocalBroker): readonly TcpProxy[];
  /** Stops the broker, by a controlled shutdown if `isOrderly`. Its proxies then refuse connections. */
  down(broker: LocalBroker, isOrderly: boolean): Promise<void>;
  up(broker: LocalBroker): Promise<void>;
  /** Waits until every replica of these topics and of the offsets topic is in sync. */
  untilInSync(topics: readonly string[]): Promise<void>;
};

export const offsetsTopic = '__consumer_offsets';
export const mostGateways = 3;
const brokerIds = [1, 2, 3];

export async function startCluster(t: Teardown): Promise<Cluster> {
  const targetPorts = await findFreePorts(mostGateways * brokerIds.length);
  // Chosen all at once, so that no port is chosen twice. The brokers' own ports are chosen later, when the proxies already listen.
  const proxies = await Promise.all(targetPorts.map((targetPort) => openTcpProxy(t, { targetPort })));
  const at = (gateway: number, id: number): number => gateway * brokerIds.length + id - 1;
  const listeners = Array.from({ length: mostGateways }, (_, gateway) => ({
    name: `GATEWAY${gateway + 1}`,
    gateway,
  }));
  const kafka = await startLocalKafka({
    brokers: 3,
    properties: ({ id, port, controllerPort }) => {
      const own = (portOf: (gateway: number) => number): string[] =>
        listeners.map(({ name, gateway }) => `${name}://127.0.0.1:${portOf(gateway)}`);
      return {
        ...commonProperties(listeners.map(({ name }) => name)),
        listeners: [
          `PLAINTEXT://127.0.0.1:${port}`,
          `CONTROLLER://127.0.0.1:${controllerPort}`,
          ...own((gateway) => targetPorts[at(gateway, id)] ?? 0),
        ].join(','),
        'advertised.listeners': [
          `PLAINTEXT://127.0.0.1:${port}`,
          ...own((gateway) => proxies[at(gateway, id)]?.port ?? 0),
        ].join(','),
      };
    },
  });
  t.teardown(() => kafka.stop());
  const routes = listeners.map(({ gateway }) => {
    const mine = proxies.slice(at(gateway, 1), at(gateway + 1, 1));
    return { proxies: mine, bootstrapServers: mine.map(({ port }) => `127.0.0.1:${port}`).join(',') };
  });
  return createCluster(kafka, routes);
}

/**
 * Brokers restore preferred leaders within a second, so that a test can move leadership by changing the preferred replica.
 * Controllers authenticate, so that the authorizer can tell them from other clients. Without a matching ACL everything is allowed.
 */
function commonProperties(listeners: readonly string[]): Record<string, string> {
  const login = 'username="controller" password="c" user_controller="c"';
  return {
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT',
      'CONTROLLER:SASL_PLAINTEXT',
      ...listeners.map((name) => `${name}:PLAINTEXT`),
    ].join(','),
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${login};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'true',
    'super.users': 'User:controller',
    'leader.imbalance.check.interval.seconds': '1',
    'leader.imbalance.per.broker.percentage': '0',
    'min.insync.replicas': '2',
  };
}

function createCluster(kafka: LocalKafka, routes: Route[]): Cluster {
  const { bootstrapServers, brokers } = kafka;
  let last: Promise<unknown> = Promise.resolve();
  const proxiesOf = (broker: LocalBroker): TcpProxy[] =>
    routes.map(({ proxies }) => proxies[brokers.indexOf(broker)] as TcpProxy);
  const byId = (id: number): LocalBroker => {
    const broker = brokers.find((one) => one.id === id);
    if (broker === undefined) throw new Error(`there is no broker ${id}`);
    return broker;
  };
  const leadersOf = (topic: string): Promise<Map<number, number>> =>
    withAdmin(bootstrapServers, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return new Map(topics[0]?.partitions.map(({ partitionId, leader }) => [partitionId, leader]));
    });
  const leaderOf = async (topic: string): Promise<LocalBroker> => byId((await leadersOf(topic)).get(0) ?? -1);
  return {
    bootstrapServers,
    routes,
    brokers,
    exclusively: (work) => {
      const mine = last.then(work);
      last = mine.catch(() => undefined);
      return mine;
    },
    find: (role, topic) =>
      until(async () => {
        if (role !== 'controller') return leaderOf(role === 'leader' ? topic : offsetsTopic);
        return byId(await Promise.any(brokers.map(({ port }) => findController(port))));
      }, 30_000),
    ledBy: async ({ id }, topic) => {
      const leaders = await leadersOf(topic);
      return new Set([...leaders.keys()].filter((partition) => leaders.get(partition) === id));
    },
    proxiesOf,
    down: async (broker, isOrderly) => {
      if (isOrderly) await broker.stop();
      for (const proxy of proxiesOf(broker)) proxy.refuse();
      if (!isOrderly) await broker.kill();
    },
    up: async (broker) => {
      await broker.restart();
      await Promise.all(proxiesOf(broker).map((proxy) => proxy.accept()));
    },
    untilInSync: (topics) =>
      until(
        () =>
          withAdmin(bootstrapServers, async (admin) => {
            const found = await admin.fetchTopicMetadata({ topics: [...topics, offsetsTopic] });
            return found.topics.every(({ partitions }) =>
              partitions.every(({ isr, leader }) => leader > 0 && isr.length === brokers.length),
            );
          }),
        60_000,
      ).then(() => undefined),
  };
}

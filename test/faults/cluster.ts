// Three brokers that all seeds share. Each gateway has a way of its own to each of them, through a proxy: brokers advertise the
// proxies on listeners of their own. The oracle talks to them directly.
import { findFreePorts } from '../../cli/kafka/free-ports.ts';
import { startLocalKafka, type LocalBroker, type LocalKafka } from '../../cli/kafka/local-kafka.ts';
import { withAdmin } from '../fixtures/kafka/kafka.ts';
import { openTcpProxy, type TcpProxy } from '../fixtures/kafka/tcp-proxy.ts';
import { until } from '../scaler/fixtures/until.ts';
import { findController } from './controller.ts';
import type { BrokerRole } from './scenario.ts';

type Teardown = { teardown(end: () => Promise<unknown>): unknown };

/** How one gateway reaches Kafka. */
export type Route = { bootstrapServers: string; proxies: TcpProxy[] };

export type Cluster = {
  /** Without a proxy. */
  bootstrapServers: string;
  /** By gateway. */
  routes: Route[];
  brokers: LocalBroker[];
  /** Nobody else takes a broker away meanwhile. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** The broker that has this part now; of leaders, that of partition 0 of `topic`. */
  find(role: BrokerRole, topic: string): Promise<LocalBroker>;
  /** Takes it away; `isOrderly`: by a controlled shutdown. Connections to it are refused. */
  down(broker: LocalBroker, isOrderly: boolean): Promise<void>;
  up(broker: LocalBroker): Promise<void>;
  /** Every replica of these topics, and of the offsets, is in sync. */
  untilInSync(topics: readonly string[]): Promise<void>;
};

export const offsetsTopic = '__consumer_offsets';
export const mostGateways = 3;
const brokerIds = [1, 2, 3];

export async function startCluster(t: Teardown): Promise<Cluster> {
  const targetPorts = await findFreePorts(mostGateways * brokerIds.length);
  // Free when they were looked for, all at once: the brokers' own are looked for later.
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
 * Leaders go back where they belong within a second, so that they can be moved by naming other ones first. Controllers log in,
 * so that an authorizer can tell them from everybody else; what no ACL speaks of is allowed.
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
  const waysTo = (broker: LocalBroker): TcpProxy[] =>
    routes.map(({ proxies }) => proxies[brokers.indexOf(broker)] as TcpProxy);
  const byId = (id: number): LocalBroker => {
    const broker = brokers.find((one) => one.id === id);
    if (broker === undefined) throw new Error(`there is no broker ${id}`);
    return broker;
  };
  const leaderOf = (topic: string): Promise<LocalBroker> =>
    withAdmin(bootstrapServers, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return byId(topics[0]?.partitions.find(({ partitionId }) => partitionId === 0)?.leader ?? -1);
    });
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
    down: async (broker, isOrderly) => {
      if (isOrderly) await broker.stop();
      for (const proxy of waysTo(broker)) proxy.refuse();
      if (!isOrderly) await broker.kill();
    },
    up: async (broker) => {
      await broker.restart();
      await Promise.all(waysTo(broker).map((proxy) => proxy.accept()));
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

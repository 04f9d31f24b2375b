// The configuration of a local broker, which is also a controller (KRaft). Pure.

import type { KafkaRelease } from './kafka-release.ts';

export type BrokerAddress = { id: number; port: number; controllerPort: number };

const host = '127.0.0.1';

/**
 * Configuration of one broker in a cluster of one or three.
 *
 * A single broker is the only voter of a dynamic quorum (`format --standalone`) where its release has such. Other brokers are
 * voters by configuration. The short session lets a killed broker rejoin in 4 s instead of 12; a session of 1 s is too short on
 * a busy machine. `overrides` take precedence.
 */
export function serverProperties(
  self: BrokerAddress,
  cluster: readonly BrokerAddress[],
  logDir: string,
  overrides: Readonly<Record<string, string>> = {},
  quorumOfOne: KafkaRelease['quorum'] = 'dynamic',
): Record<string, string> {
  const replicas = String(cluster.length);
  const minInSync = cluster.length === 1 ? '1' : '2';
  return {
    'process.roles': 'broker,controller',
    'node.id': String(self.id),
    listeners: `PLAINTEXT://${host}:${self.port},CONTROLLER://${host}:${self.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${host}:${self.port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    ...quorum(cluster, quorumOfOne),
    'log.dirs': logDir,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minInSync,
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minInSync,
    'group.initial.rebalance.delay.ms': '0',
    // By the consumer protocol, brokers say how long a member may be silent: here as long as by the classic one, not 45 s.
    'group.consumer.min.session.timeout.ms': '10000',
    'group.consumer.session.timeout.ms': '10000',
    'group.consumer.min.heartbeat.interval.ms': '1000',
    'group.consumer.heartbeat.interval.ms': '1000',
    'auto.create.topics.enable': 'false',
    'log.cleaner.dedupe.buffer.size': '4194304',
    'broker.heartbeat.interval.ms': '500',
    'broker.session.timeout.ms': '3000',
    ...overrides,
  };
}

function quorum(cluster: readonly BrokerAddress[], ofOne: KafkaRelease['quorum']): Record<string, string> {
  const [first] = cluster;
  if (first !== undefined && cluster.length === 1 && ofOne === 'dynamic') {
    return { 'controller.quorum.bootstrap.servers': `${host}:${first.controllerPort}` };
  }
  const voters = cluster.map(({ id, controllerPort }) => `${id}@${host}:${controllerPort}`);
  return { 'controller.quorum.voters': voters.join(',') };
}

/** Formats a Java properties file, which is Latin-1 and gives backslashes and line ends a meaning of their own. */
export function formatProperties(properties: Readonly<Record<string, string>>): string {
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${escapeValue(value)}\n`);
  return lines.join('');
}

function escapeValue(value: string): string {
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replace(/^ /, '\\ ')
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

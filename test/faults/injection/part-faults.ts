// A part of what a trigger reads is in trouble: its second topic, one broker as gateways see it, or how much they may read. Gateways come
// and go meanwhile. What is not in trouble must go on, and nothing but a broker that goes away excuses a redelivery.
import { setTimeout as delay } from 'node:timers/promises';
import type { Exposure } from '../../fixtures/oracle/oracle-evidence.ts';
import { bounds } from '../bounds.ts';
import { describePart, type BrokerRole, type PartFault } from '../scenario/scenario.ts';
import type { SecondTopic } from '../testbed/second-topic.ts';
import { beginDisruption, type Testbed } from '../testbed/testbed.ts';
import { restrict } from './acls.ts';
import { limitReads } from './client-quotas.ts';
import { startGateway, stopGateway, untilConsuming } from './gateway-faults.ts';

/** What goes on meanwhile, by topic, and how the trouble ends. */
type Trouble = { first: Set<number>; second: Set<number>; end(): Promise<void> };

const none = new Set<number>();
/** Records of the second topic that are delivered before the trouble, and after it. */
const someRecords = 30;
/** So much later than with a healthy broker each chunk arrives. */
const slowMs = 700;
const slowBytesPerSecond = 10_000;

export async function injectPartFault(testbed: Testbed, fault: PartFault): Promise<void> {
  const { second, oracle } = testbed;
  if (second === undefined) return;
  testbed.report(`part: ${describePart(fault)}`);
  // What earlier faults have left is over by then.
  await delay(bounds.recoveryMs);
  await Promise.all(running(testbed).map((slot) => untilConsuming(testbed, slot)));
  second.oracle.watchCommits();
  second.startLoad();
  await second.untilDelivered(someRecords, bounds.settleMs);
  const trouble = await begin(testbed, second, fault);
  const fromMs = Date.now();
  const before = [oracle.delivered, second.oracle.delivered] as const;
  const starvedMs = testbed.starvedMs;
  testbed.report(`part: ${fault.kind} has begun`);
  await Promise.all([delay(fault.forMs), rebalance(testbed, fault)]);
  const limitMs = bounds.othersMs + testbed.starvedMs - starvedMs;
  const times = { why: fault.kind, fromMs, toMs: Date.now(), limitMs };
  oracle.demand({ ...times, partitions: trouble.first });
  second.oracle.demand({ ...times, partitions: trouble.second });
  const count = `${oracle.delivered - before[0]} of the first topic and ${second.oracle.delivered - before[1]} of the second`;
  testbed.report(`part: ${count} were delivered meanwhile`);
  await trouble.end();
  await second.untilDelivered(someRecords, bounds.settleMs);
  await second.endLoad();
  testbed.report(`part: ${fault.kind} is over`);
}

function running({ slots }: Testbed) {
  return slots.filter(({ process }) => process !== undefined);
}

function begin(testbed: Testbed, second: SecondTopic, fault: PartFault): Promise<Trouble> {
  switch (fault.kind) {
    case 'topic-leaderless':
      return stopLeader(testbed, second, fault.brokerId);
    case 'topic-unauthorised':
      return denyReads(testbed, second);
    case 'topic-recreated':
      return removeTopic(testbed, second);
    case 'broker-hang':
      return hang(testbed, second);
    case 'broker-slow':
      return slow(testbed, second, fault.broker);
    case 'client-throttled':
      return throttle(testbed);
  }
}

/** The first topic has replicas, so all of it goes on. */
async function stopLeader(testbed: Testbed, second: SecondTopic, brokerId: number): Promise<Trouble> {
  const { cluster, topic } = testbed;
  const broker = cluster.brokers.find(({ id }) => id === brokerId)!;
  await second.leaveOut(brokerId);
  const over = beginDisruption(testbed, { what: 'a partition without a leader' });
  await cluster.down(broker, true);
  return {
    first: partitionsOf(testbed),
    second: second.partitionsWithout(brokerId),
    end: async () => {
      await cluster.up(broker);
      await cluster.untilInSync([topic]);
      over();
      second.include();
    },
  };
}

/** Whoever may not read a topic may not commit its offsets either. */
async function denyReads(testbed: Testbed, second: SecondTopic): Promise<Trouble> {
  const fromMs = Date.now() - bounds.commitMs;
  const allow = await restrict(testbed.cluster.bootstrapServers, second.topic, [
    ['DENY', 'READ'],
    ['ALLOW', 'ALL'],
  ]);
  return {
    first: partitionsOf(testbed),
    second: none,
    end: async () => {
      await allow();
      const why = 'could not be committed without the right to read';
      const exposure: Exposure = { why, fromMs, toMs: Date.now() + bounds.recoveryMs };
      second.oracle.expose(exposure);
    },
  };
}

async function removeTopic(testbed: Testbed, second: SecondTopic): Promise<Trouble> {
  await second.endLoad();
  await second.remove();
  // After some faults the deletion of a topic leaves Kafka 4.4 with a controller that lets no broker register any more.
  testbed.isClusterBroken = true;
  return {
    first: partitionsOf(testbed),
    second: none,
    end: async () => {
      await second.create();
      second.startLoad();
    },
  };
}

/** A broker that neither coordinates the group nor stores dead letters accepts connections and answers nothing. */
async function hang(testbed: Testbed, second: SecondTopic): Promise<Trouble> {
  const { cluster, topic, deadLetterTopic } = testbed;
  const coordinator = await cluster.find('coordinator', topic);
  const letters = deadLetterTopic === undefined ? coordinator : await cluster.find('leader', deadLetterTopic);
  const broker = cluster.brokers.find((one) => one !== coordinator && one !== letters)!;
  const led = await cluster.ledBy(broker, topic);
  const proxies = cluster.proxiesOf(broker);
  testbed.report(`broker ${broker.id} hangs, which leads ${[...led].join() || 'none'}`);
  for (const proxy of proxies) proxy.stall('both');
  return {
    first: without(partitionsOf(testbed), led),
    second: second.partitionsWithout(broker.id),
    end: async () => proxies.forEach((proxy) => proxy.pass()),
  };
}

async function slow(testbed: Testbed, second: SecondTopic, role: BrokerRole): Promise<Trouble> {
  const { cluster, topic } = testbed;
  const broker = await cluster.find(role, topic);
  const led = await cluster.ledBy(broker, topic);
  const proxies = cluster.proxiesOf(broker);
  for (const proxy of proxies) proxy.delay(slowMs, 'down');
  return {
    first: without(partitionsOf(testbed), led),
    second: second.partitionsWithout(broker.id),
    end: async () => proxies.forEach((proxy) => proxy.pass()),
  };
}

/** Brokers answer what is beyond the limit some seconds later: heartbeats and commits must not wait for it. */
async function throttle({ cluster }: Testbed): Promise<Trouble> {
  const { bootstrapServers } = cluster;
  const client = 'millrace-gateway';
  await limitReads(bootstrapServers, client, slowBytesPerSecond);
  return { first: none, second: none, end: () => limitReads(bootstrapServers, client) };
}

function partitionsOf({ scenario }: Testbed): Set<number> {
  return new Set(Array.from({ length: scenario.shape.partitions }, (_, partition) => partition));
}

function without(partitions: ReadonlySet<number>, led: ReadonlySet<number>): Set<number> {
  return new Set([...partitions].filter((partition) => !led.has(partition)));
}

/** In the middle of the trouble. A gateway cannot be expected to have all its partitions before it is over. */
async function rebalance(testbed: Testbed, { forMs, rebalance }: PartFault): Promise<void> {
  await delay(forMs / 4);
  if (rebalance === 'restart') {
    const slot = running(testbed)[0];
    if (slot === undefined) return;
    await stopGateway(testbed, slot);
    return startGateway(testbed, slot);
  }
  const slot = testbed.slots.find(({ process }) => process === undefined);
  if (slot === undefined) return;
  await startGateway(testbed, slot);
  await delay(forMs / 4);
  await stopGateway(testbed, slot);
}

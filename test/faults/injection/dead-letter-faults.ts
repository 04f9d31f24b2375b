// The dead-letter topic rejects writes. Kafka has no full topics: a broker whose disk is full goes down, and the topic then has too
// few in-sync replicas to take a write. `dead-letter-full` reproduces that.
import { setTimeout as delay } from 'node:timers/promises';
import { restrict } from './acls.ts';
import { loseMinIsr, persist, setTopicConfig } from './broker-faults.ts';
import type { DeadLetterFault } from '../scenario/scenario.ts';
import type { Testbed } from '../testbed/testbed.ts';

export async function injectDeadLetterFault(testbed: Testbed, fault: DeadLetterFault): Promise<void> {
  const { cluster, deadLetterTopic: topic } = testbed;
  const { bootstrapServers } = cluster;
  if (topic === undefined) return;
  switch (fault.kind) {
    case 'dead-letter-missing': {
      await delay(fault.forMs);
      const created = { topic, numPartitions: 1, replicationFactor: 3 };
      await persist(bootstrapServers, async (admin) => {
        const isThere = (await admin.listTopics()).includes(topic);
        if (!isThere) await admin.createTopics({ topics: [created], waitForLeaders: false });
      });
      return;
    }
    case 'dead-letter-too-small':
      await setTopicConfig(cluster, topic, { 'max.message.bytes': '200' });
      await delay(fault.forMs);
      return setTopicConfig(cluster, topic, {});
    case 'dead-letter-unauthorised': {
      const allow = await restrict(bootstrapServers, topic, [['DENY', 'WRITE']]);
      await delay(fault.forMs);
      return allow();
    }
    case 'dead-letter-full':
      return loseMinIsr(testbed, topic, fault.forMs);
  }
}

// The dead-letter topic rejects writes. Kafka has no full topics: a broker whose disk is full goes down, and the topic then has too
// few in-sync replicas to take a write. `dead-letter-full` reproduces that.
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
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
    case 'dead-letter-unauthorised':
      return denyWrites(bootstrapServers, topic, fault.forMs);
    case 'dead-letter-full':
      return loseMinIsr(testbed, topic, fault.forMs);
  }
}

async function denyWrites(bootstrapServers: string, topic: string, forMs: number): Promise<void> {
  const { AclResourceTypes, AclOperationTypes, AclPermissionTypes, ResourcePatternTypes } = kafkajs;
  const rule = {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: 'User:ANONYMOUS',
    host: '*',
    operation: AclOperationTypes.WRITE,
    permissionType: AclPermissionTypes.DENY,
  };
  await persist(bootstrapServers, (admin) => admin.createAcls({ acl: [rule] }));
  await delay(forMs);
  await persist(bootstrapServers, (admin) => admin.deleteAcls({ filters: [rule] }));
}

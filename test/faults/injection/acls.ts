// Takes rights to a topic from everyone, and gives them back.
import kafkajs from 'kafkajs';
import { persist } from './broker-faults.ts';

type Rule = ['ALLOW' | 'DENY', 'READ' | 'WRITE' | 'ALL'];

/** Without a rule everything is allowed; with one, only what a rule allows. The returned function takes the rules away. */
export async function restrict(
  bootstrapServers: string,
  topic: string,
  rules: readonly Rule[],
): Promise<() => Promise<void>> {
  const { AclResourceTypes, AclOperationTypes, AclPermissionTypes, ResourcePatternTypes } = kafkajs;
  const acl = rules.map(([permission, operation]) => ({
    resourceType: AclResourceTypes.TOPIC,
    resourceName: topic,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: 'User:ANONYMOUS',
    host: '*',
    operation: AclOperationTypes[operation],
    permissionType: AclPermissionTypes[permission],
  }));
  await persist(bootstrapServers, (admin) => admin.createAcls({ acl }));
  return async () => {
    await persist(bootstrapServers, (admin) => admin.deleteAcls({ filters: acl }));
  };
}

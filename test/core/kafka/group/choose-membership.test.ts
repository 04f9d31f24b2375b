// Which protocol a member joins by, against a real broker: with nobody in the group, with members of this release, and of the last one.
import t from 'tap';
import { chooseMembership } from '../../../../core/kafka/group/choose-membership.ts';
import { createClassicMembership } from '../../../../core/kafka/group/classic-membership.ts';
import { hasConsumerProtocol } from '../../../../core/kafka/group/broker-features.ts';
import type { CreateMembership } from '../../../../core/kafka/group/membership.ts';
import { createTopic, uniqueName, useKafka, withAdmin } from '../../../fixtures/kafka/kafka.ts';
import { until } from '../../../scaler/fixtures/until.ts';
import { joinFirstRelease } from '../fixtures/first-release.ts';
import { GroupMember, Members } from '../fixtures/group-member.ts';

t.setTimeout(240_000);

t.test('brokers without the consumer protocol, or with it switched off', async (t) => {
  const requests = new Map([[68, 1]]);
  t.notOk(hasConsumerProtocol({ requests: new Map(), levels: new Map() }));
  t.notOk(hasConsumerProtocol({ requests: new Map([[68, 0]]), levels: new Map([['group.version', 1]]) }));
  t.notOk(hasConsumerProtocol({ requests, levels: new Map() }));
  t.ok(hasConsumerProtocol({ requests, levels: new Map([['group.version', 1]]) }));
});

t.test('members of all protocols in one group', async (t) => {
  const servers = await useKafka(t);
  const topic = await createTopic(t, servers, { partitions: 6 });
  const open = (groupId: string) => {
    const members = new Members();
    const fallbacks: string[] = [];
    const auto = chooseMembership('auto', (_group, reason) => fallbacks.push(reason.message));
    t.teardown(() => {
      if (members.violations.length > 0) throw new Error(members.violations.join('; '));
    });
    const start = (create: CreateMembership) => {
      const member = new GroupMember(t, { create, servers, groupId, topics: [topic], members });
      member.membership.start([topic]).catch(() => undefined);
      return member;
    };
    return { start, auto, fallbacks };
  };
  const sizes = (...members: GroupMember[]) => members.map((one) => one.open.size).join();
  const protocolOf = (groupId: string) =>
    withAdmin(servers, async (admin) => {
      const { groups } = await admin.describeGroups([groupId]);
      return groups[0]!.state === 'Dead' ? 'consumer' : 'classic';
    });

  await t.test('nobody was in it', async (t) => {
    const groupId = uniqueName('group');
    const { start, auto, fallbacks } = open(groupId);
    const first = start(auto);
    await until(() => sizes(first) === '6');
    t.equal(await protocolOf(groupId), 'consumer');
    t.strictSame(fallbacks, []);
    await first.leave();
  });

  await t.test('classic members of this release: the group moves while they go on', async (t) => {
    const groupId = uniqueName('group');
    const { start, auto, fallbacks } = open(groupId);
    const first = start(createClassicMembership);
    const second = start(createClassicMembership);
    await until(() => sizes(first, second) === '3,3');
    const third = start(auto);
    await until(() => sizes(first, second, third) === '2,2,2', 40_000);
    t.equal(await protocolOf(groupId), 'consumer');
    t.strictSame(fallbacks, []);
    await first.leave();
    await until(() => sizes(second, third) === '3,3', 40_000);
    await third.leave();
    await until(() => sizes(second) === '6', 40_000);
    t.equal(await protocolOf(groupId), 'classic', 'and back, with the last member of the consumer protocol');
    for (const member of [first, second, third]) t.ok(member.joins.every(({ isContinuous }) => isContinuous));
    await second.leave();
  });

  await t.test('members of the last release: it stays as it is', async (t) => {
    const groupId = uniqueName('group');
    const { start, auto, fallbacks } = open(groupId);
    const old = await joinFirstRelease(t, servers, groupId, topic);
    await until(() => old.given.at(-1)?.length === 6);
    const member = start(auto);
    await until(() => old.given.at(-1)?.length === 3, 40_000);
    t.equal(await protocolOf(groupId), 'classic');
    t.match(fallbacks, [/GROUP_ID_NOT_FOUND/]);
    await old.leave();
    await until(() => member.open.size === 6, 40_000);
    const next = start(auto);
    await until(() => sizes(member, next) === '3,3', 40_000);
    t.equal(await protocolOf(groupId), 'consumer', 'and moves with the first to come once they are gone');
  });
});

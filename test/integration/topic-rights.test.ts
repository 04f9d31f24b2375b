// A trigger of several topics, some of which the user of its KafkaCluster may not read. Gateway and scaler name exactly those, in state and
// log, and recover by themselves when the rights are granted; the others are read and committed all the while. By both group protocols.
import t from 'tap';
import { clusterManifests } from '../fixtures/kafka/client-settings.ts';
import { nowhere, useFileScaler } from '../fixtures/file-scaler.ts';
import { startFunction } from '../fixtures/function-server.ts';
import { useGateway } from '../fixtures/gateway.ts';
import { createTopic, produce, uniqueName, withAdmin } from '../fixtures/kafka/kafka.ts';
import { logLines } from '../fixtures/log-lines.ts';
import { startSecureKafka } from '../fixtures/kafka/secure-kafka.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(240_000);
const kind = 'tls-scram-sha-512';
const kafka = await startSecureKafka(t);
const { bootstrapServers } = kafka;

interface Line {
  readonly msg: string;
  readonly code?: string;
  readonly error?: string;
}

const protocols = ['consumer', 'classic'] as const;
for (const protocol of protocols)
  t.test(
    `gateway and scaler name each topic that they may not read, and no other (${protocol})`,
    async (t) => {
      const make = (name: string) => createTopic(t, bootstrapServers, { partitions: 1, name });
      const [open, unread, unseen] = [await make('open'), await make('unread'), await make('unseen')];
      const group = uniqueName('several');
      const may = (operation: 'read' | 'describe', ...topics: string[]) =>
        kafka.grant(
          kind,
          topics.map((name) => ({ operation, resource: 'topic', name })),
        );
      await kafka.grant(kind, [{ operation: 'read', resource: 'group', name: group }]);
      await may('read', open);
      await may('describe', unread);
      for (const topic of [open, unread, unseen]) await produce(bootstrapServers, topic, [{ value: 'one' }]);

      const fn = await startFunction(t);
      const topics = [open, unread, unseen];
      const spec = {
        source: { cluster: 'secured', topics, consumerGroup: group, initialOffset: 'earliest' },
        function: { uri: fn.origin },
      };
      const metadata = { name: 'several' };
      const manifests = [
        JSON.stringify({ apiVersion: 'millrace.dev/v1alpha1', kind: 'Trigger', metadata, spec }),
        ...clusterManifests('secured', kafka.client(kind), { groupProtocol: protocol }),
      ];
      const logs = { gateway: [] as Line[], scaler: [] as Line[] };
      const scaler = await useFileScaler(
        t,
        manifests,
        logLines<Line>((line) => void logs.scaler.push(line)),
      );
      const backlog = () => scaler.demand.backlog('default/several').catch(() => undefined);
      const gateway = await useGateway(t, {
        bootstrapServers: nowhere,
        manifests,
        log: logLines<Line>((line) => void logs.gateway.push(line)),
      });
      const forbidden = (right: string, ...names: string[]) => {
        const list = names.map((name) => `"${name}"`).join(', ');
        const what = names.length === 1 ? `the topic ${list}` : `each of the topics ${list}`;
        return `Kafka does not allow our user to ${right} ${what}`;
      };
      const gatewayReports = async (text: string) => {
        await until(() => gateway.trigger().reason === text, 20_000);
        const code = 'MILLRACE_KAFKA_FORBIDDEN';
        await until(() => logs.gateway.some((line) => line.error === text && line.code === code));
      };

      const committed = async (topic: string) => {
        const [found] = await withAdmin(bootstrapServers, (admin) =>
          admin.fetchOffsets({ groupId: group, topics: [topic] }),
        );
        return Number(found?.partitions[0]?.offset);
      };
      const isCommitted = (topic: string, offset: number) =>
        until(async () => (await committed(topic)) === offset, 20_000);

      await gatewayReports(forbidden('describe', unseen));
      await until(() => fn.calls.length === 1);
      await isCommitted(open, 1);
      t.equal(await backlog(), undefined, 'unknown is never zero');
      const line = logs.scaler.find(({ msg }) => msg === 'backlog unknown');
      t.match(line?.error, forbidden('describe', unseen));

      await may('describe', unseen);
      await gatewayReports(forbidden('read', unread, unseen));
      await until(async () => (await backlog()) === 2n);

      await may('read', unseen);
      await gatewayReports(forbidden('read', unread));
      await until(() => fn.calls.length === 2);
      await isCommitted(unseen, 1);

      await may('read', unread);
      await until(() => gateway.trigger().state === 'consuming', 20_000);
      await until(() => fn.calls.length === 3);

      logs.gateway.splice(0);
      await kafka.revoke(kind, [{ operation: 'read', resource: 'topic', name: unread }]);
      await produce(bootstrapServers, unread, [{ value: 'two' }]);
      await gatewayReports(forbidden('read', unread));
      await produce(bootstrapServers, open, [{ value: 'two' }]);
      await until(() => fn.calls.length === 4);
      await isCommitted(open, 2);
      t.equal(await committed(unread), 1);
      t.notOk(
        logs.gateway.some(({ error }) => error?.includes(open)),
        'what may be read is not complained of',
      );
      await may('read', unread);
      await until(() => fn.calls.length === 5, 30_000);
      await isCommitted(unread, 2);
      await until(() => gateway.trigger().state === 'consuming', 20_000);
      const { groups } = await withAdmin(bootstrapServers, (admin) => admin.describeGroups([group]));
      // A group of the other protocol is none to who asks for one of this protocol.
      t.equal(groups[0]?.state === 'Stable', protocol === 'classic');
    },
  );

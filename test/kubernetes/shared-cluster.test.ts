// A KafkaCluster that one namespace grants to another: what a Trigger there reports and reads with the grant, and without it.
import t from 'tap';
import { kafkaClusterKind } from '../../core/resources/kinds.ts';
import { createTopic, useKafka } from '../fixtures/kafka/kafka.ts';
import { countMembers } from '../fixtures/kafka/members-of.ts';
import { createNamespace, useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds, applyKedaCrds, install } from './fixtures/installation.ts';
import { createTenant, openClient } from './fixtures/tenant.ts';

t.setTimeout(240_000);
const server = await useApiServer(t);
await applyCrds(server);
await applyKedaCrds(server);
const bootstrapServers = await useKafka(t);
const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
const client = await openClient(t, server.kubeconfig);
const platform = await createNamespace(t, server);
const tenant = await createTenant(t, server, client);
const watchNamespaces = [platform, tenant.namespace];
// The installation's own brokers do not exist: every read goes through the shared cluster.
const installation = await install(t, { server, bootstrapServers: '127.0.0.1:1', watchNamespaces });

const share = (allowedNamespaces: readonly string[]): Promise<unknown> =>
  client.patch(kafkaClusterKind, platform, 'main', { spec: { allowedNamespaces } });

const members = (): Promise<number> => countMembers(bootstrapServers, `millrace.${tenant.namespace}.mailer`);

t.test('a trigger may read from a granted KafkaCluster for as long as the grant exists', async (t) => {
  const { apiVersion, kind } = kafkaClusterKind;
  const metadata = { name: 'main', namespace: platform };
  await client.create({ apiVersion, kind, metadata, spec: { bootstrapServers } });
  await tenant.deploy('mailer', { topics: topic, cluster: `${platform}/main` });
  const { message } = await tenant.untilCondition('mailer', 'Accepted', 'ClusterNotGranted');
  t.match(message, `names no KafkaCluster that namespace ${tenant.namespace} may use`);

  await installation.startGateway(t);
  await share(['somebody-else', tenant.namespace]);
  await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');
  t.equal(await members(), 1);

  await share(['somebody-else']);
  await tenant.untilCondition('mailer', 'Accepted', 'ClusterNotGranted');
  t.match(await tenant.condition('mailer', 'SourceReady'), { status: 'False', reason: 'ClusterNotGranted' });
  await until(async () => (await members()) === 0);

  await share(['*']);
  await tenant.untilCondition('mailer', 'SourceReady', 'Consuming');
});

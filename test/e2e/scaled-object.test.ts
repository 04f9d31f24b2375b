// A hand-written ScaledObject for a user's own consumer: it scales like KEDA's `type: kafka`, but with push.
import t from 'tap';
import { createRestricted, installMillrace, useCluster } from '../fixtures/kubernetes/cluster.ts';
import { createTopic, produce, uniqueName, withAdmin } from '../fixtures/kafka/kafka.ts';
import { images } from '../lab/millrace-image.ts';
import { until } from '../scaler/fixtures/until.ts';

t.test(
  'a hand-written ScaledObject scales 0 → 2 → 0 with the lag of any group',
  { timeout: 600_000 },
  async (t) => {
    const cluster = await useCluster(t);
    const { namespace: home } = await installMillrace(t, cluster);
    const namespace = await createRestricted(t, cluster, 'by-hand');
    const { bootstrapServers } = cluster;
    const topic = await createTopic(t, bootstrapServers, { partitions: 2 });
    const group = uniqueName('consumer');
    const commit = (offset: number) =>
      withAdmin(bootstrapServers, (admin) =>
        admin.setOffsets({
          groupId: group,
          topic,
          partitions: [0, 1].map((partition) => ({ partition, offset: String(offset) })),
        }),
      );
    await commit(0);
    const kubectl = (args: readonly string[], input?: string) =>
      cluster.kubectl(['-n', namespace, ...args], input);
    const items = [
      consumer(),
      scaledObject(`millrace-scaler.${home}`, { bootstrapServers, consumerGroup: group, topic }),
    ];
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    const replicas = async () =>
      Number(await kubectl(['get', 'deployment', 'consumer', '-o', 'jsonpath={.spec.replicas}']));

    await until(async () => (await replicas()) === 0, 90_000);
    t.pass('no replicas without lag');
    const messages = Array.from({ length: 20 }, (_, index) => ({ partition: index % 2, value: `${index}` }));
    await produce(bootstrapServers, topic, messages);
    await until(async () => (await replicas()) >= 1, 60_000);
    await until(async () => (await replicas()) === 2, 60_000);
    t.pass('one replica per 5 records of lag, and no more than partitions');
    await commit(10);
    await until(async () => (await replicas()) === 0, 120_000);
    t.pass('no replicas without lag again');
  },
);

function consumer(): unknown {
  const labels = { app: 'consumer' };
  const container = {
    name: 'consumer',
    image: images.function.name,
    imagePullPolicy: 'Never',
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  };
  const securityContext = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'consumer' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { securityContext, containers: [container] } },
    },
  };
}

/** The ScaledObject in docs/guides/keda.md. */
function scaledObject(scaler: string, metadata: Readonly<Record<string, string>>): unknown {
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: 'consumer' },
    spec: {
      scaleTargetRef: { name: 'consumer' },
      pollingInterval: 2,
      cooldownPeriod: 2,
      minReplicaCount: 0,
      maxReplicaCount: 5,
      triggers: [
        {
          type: 'external-push',
          metadata: {
            scalerAddress: `${scaler}.svc:6000`,
            lagThreshold: '5',
            enableTLS: 'true',
            ...metadata,
          },
          authenticationRef: { kind: 'ClusterTriggerAuthentication', name: scaler },
        },
      ],
    },
  };
}

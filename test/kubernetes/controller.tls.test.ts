// Mutual TLS with KEDA turned on and off again: what the controller makes of it on a real API server, with the rights of the chart. The
// scaler probes its own port over TLS first.
import t from 'tap';
import { configMapKind, scaledObjectKind, triggerAuthenticationKind } from '../../core/resources/kinds.ts';
import { valueAt } from '../../core/contract/path.ts';
import { createTopic, useKafka } from '../fixtures/kafka/kafka.ts';
import { useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { until } from '../scaler/fixtures/until.ts';
import { applyCrds, applyKedaCrds, install } from './fixtures/installation.ts';
import { createTenant, openClient } from './fixtures/tenant.ts';

t.setTimeout(180_000);
const server = await useApiServer(t);
await applyCrds(server);
await applyKedaCrds(server);
const bootstrapServers = await useKafka(t);
const client = await openClient(t, server.kubeconfig);
const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
const tenant = await createTenant(t, server, client);
const installation = await install(t, {
  server,
  bootstrapServers,
  watchNamespaces: [tenant.namespace],
});

const beside = [triggerAuthenticationKind, configMapKind];
const name = 'millrace-scaler.mill';
const own = 'millrace-scaler-ca';

async function untilReference(expected: object): Promise<void> {
  await until(async () => {
    const found = await tenant.find(scaledObjectKind, 'mailer');
    const reference = valueAt(found, ['spec', 'triggers', 0, 'authenticationRef']) ?? {};
    return JSON.stringify(Object.entries(reference).toSorted()) === JSON.stringify(Object.entries(expected));
  });
}

t.test(
  'with mutual TLS, the namespaces of functions need no authentication; without, each has one',
  async (t) => {
    await tenant.deploy('mailer', { topics: topic });
    const { metadata } = await tenant.untilThere(scaledObjectKind, 'mailer');
    await untilReference({ name: own });
    for (const kind of beside) t.ok(await tenant.find(kind, own), kind.kind);
    for (const kind of beside) await tenant.remove(kind, own);

    await installation.restartScaler(name);
    await untilReference({ kind: 'ClusterTriggerAuthentication', name });

    await tenant.deploy('mapper', { topics: topic });
    t.match(await tenant.untilThere(scaledObjectKind, 'mapper'), {
      spec: { triggers: [{ authenticationRef: { kind: 'ClusterTriggerAuthentication', name } }] },
    });
    t.pass('a new function: the probe reached the scaler and was authenticated');
    for (const kind of beside) t.notOk(await tenant.find(kind, own), kind.kind);

    await installation.restartScaler();
    await untilReference({ name: own });
    for (const kind of beside) await tenant.untilThere(kind, own);
    t.equal(
      (await tenant.find(scaledObjectKind, 'mailer'))?.metadata.uid,
      metadata.uid,
      'the ScaledObject was never replaced',
    );
  },
);

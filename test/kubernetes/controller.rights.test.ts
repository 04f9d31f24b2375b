// The controller with rights in the watched namespaces only, and with fewer rights than it needs.
import t from 'tap';
import {
  configMapKind,
  scaledObjectKind,
  serviceKind,
  triggerAuthenticationKind,
  triggerKind,
} from '../../core/resources/kinds.ts';
import { createTopic, useKafka } from '../fixtures/kafka/kafka.ts';
import { useApiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { applyCrds, applyKedaCrds, install } from './fixtures/installation.ts';
import { createTenant, openClient } from './fixtures/tenant.ts';

t.setTimeout(180_000);
const server = await useApiServer(t);
await applyCrds(server);
await applyKedaCrds(server);
const bootstrapServers = await useKafka(t);
const client = await openClient(t, server.kubeconfig);
const topic = await createTopic(t, bootstrapServers, { partitions: 1 });
const [shop, geo, other] = [
  await createTenant(t, server, client),
  await createTenant(t, server, client),
  await createTenant(t, server, client),
];
await install(t, { server, bootstrapServers, watchNamespaces: [shop.namespace, geo.namespace] });

t.test('the controller serves the watched namespaces with Roles alone, and no others', async (t) => {
  for (const tenant of [other, shop, geo]) await tenant.deploy('mailer', { topics: topic });
  for (const tenant of [shop, geo]) {
    await tenant.untilThere(scaledObjectKind, 'mailer');
    await tenant.kedaSays('mailer', 'True');
    await tenant.untilCondition('mailer', 'ScalerReady', 'Scaled');
    await tenant.untilCondition('mailer', 'SourceReady', 'NoGateway');
    const { metadata } = await tenant.untilThere(triggerKind, 'mailer');
    await tenant.untilEvent('NoGateway', { kind: 'Trigger', metadata });
    await tenant.annotate('mailer', { topics: undefined });
    await tenant.untilGone(triggerKind, 'mailer');
    await tenant.untilGone(scaledObjectKind, 'mailer');
    await tenant.untilGone(serviceKind, 'mailer-millrace');
    for (const kind of [triggerAuthenticationKind, configMapKind])
      await tenant.untilGone(kind, 'millrace-scaler-ca');
  }
  t.equal(await other.find(triggerKind, 'mailer'), undefined);
});

t.test('the controller names a missing right, and goes on when it is granted', async (t) => {
  const roles = await server.kubectl(['get', 'roles', '-n', shop.namespace, '-o', 'json']);
  const { items } = JSON.parse(roles) as { items: { metadata: { name: string }; rules: Rule[] }[] };
  const { metadata, rules } = items.find(({ metadata: { name } }) => name.endsWith('scaler'))!;
  const grant = (rules: readonly Rule[]): Promise<string> => {
    const patch = JSON.stringify({ rules });
    return server.kubectl([
      'patch',
      'role',
      metadata.name,
      '-n',
      shop.namespace,
      '--type=merge',
      '-p',
      patch,
    ]);
  };
  const reading = { verbs: ['get', 'list', 'watch'] };
  await grant(rules.map((rule) => (rule.resources.includes('services') ? { ...rule, ...reading } : rule)));
  await shop.deploy('mapper', { topics: topic });
  const told = await shop.untilCondition('mapper', 'FunctionReady', 'ServiceRefused');
  t.match(told, { status: 'False', message: /the right to patch services .* is missing/ });
  await grant(rules);
  await shop.untilThere(serviceKind, 'mapper-millrace');
  await shop.untilCondition('mapper', 'FunctionReady', 'WorkloadExists');
});

interface Rule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

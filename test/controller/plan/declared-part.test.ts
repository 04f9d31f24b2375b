import t from 'tap';
import { onlyDeclared } from '../../../controller/plan/declared-part.ts';
import { declareTrigger } from '../../../core/resources/trigger-resource.ts';

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'mailer',
    namespace: 'geo',
    uid: 'u',
    annotations: { 'millrace.dev/topics': 'orders', last: 'x'.repeat(1_000) },
  },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'mailer' } },
    template: {
      metadata: { annotations: { 'millrace.dev/retry': '3' } },
      spec: { containers: [{ env: [{ value: 'x'.repeat(1_000) }] }] },
    },
  },
  status: { replicas: 2 },
};

t.test('the part of a Deployment that is kept declares the same Trigger as the whole', async (t) => {
  const part = onlyDeclared(deployment);
  t.strictSame(declareTrigger(part), declareTrigger(deployment));
  t.match(part, { metadata: { uid: 'u' }, spec: { replicas: 2, selector: deployment.spec.selector } });
  t.strictSame(part.status, deployment.status);
  t.ok(JSON.stringify(part).length < 600);
  t.match(onlyDeclared({ ...deployment, spec: undefined }).metadata, { name: 'mailer' });
});

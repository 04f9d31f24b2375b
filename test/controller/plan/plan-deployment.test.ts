import t from 'tap';
import type { Metadata, Resource } from '../../../core/contract/kubernetes-client.ts';
import { planDeployment } from '../../../controller/plan/plan-deployment.ts';
import { deployment, trigger } from '../fixtures/observed-state.ts';

const deletionTimestamp = '2026-01-02T03:04:05Z';
const annotated: Resource = {
  ...deployment,
  metadata: { ...deployment.metadata, name: 'quakes', annotations: { 'millrace.dev/topics': 'earthquakes' } },
};
const fromAnnotations = (of: Resource): Resource => ({
  ...trigger,
  metadata: { name: of.metadata.name, namespace: 'geo' },
  spec: { topics: of.metadata.annotations?.['millrace.dev/topics'] },
});
const step = (of: Resource, found?: Resource) =>
  planDeployment({ deployment: of, trigger: found, fromAnnotations });
const withMetadata = (resource: Resource, changes: Partial<Metadata>): Resource => ({
  ...resource,
  metadata: { ...resource.metadata, ...changes },
});

function applied(of: Resource = annotated): Resource {
  const decided = step(of);
  if (decided.kind !== 'apply') throw new Error(decided.kind);
  return decided.trigger;
}

t.test('annotations make a Trigger that the Deployment owns', async (t) => {
  const made = applied();
  t.match(made, {
    metadata: {
      name: 'quakes',
      labels: { 'app.kubernetes.io/managed-by': 'millrace' },
      ownerReferences: [{ kind: 'Deployment', uid: 'uid-deployment' }],
    },
    spec: { topics: 'earthquakes' },
  });
  t.match(step(annotated, made), { kind: 'nothing' });
  const edited = withMetadata(annotated, { annotations: { 'millrace.dev/topics': 'other' } });
  t.match(step(edited, made), { kind: 'apply', trigger: { spec: { topics: 'other' } } });
  const wrong = (of: Resource): Resource =>
    withMetadata(fromAnnotations(of), { annotations: { mistakes: '[]' } });
  t.match(planDeployment({ deployment: annotated, trigger: made, fromAnnotations: wrong }), {
    kind: 'apply',
    trigger: { metadata: { annotations: { mistakes: '[]' } } },
  });
});

t.test('without them it goes; what was not made from them stays', async (t) => {
  const made = applied();
  const plain = withMetadata(annotated, { annotations: {} });
  t.match(step(plain, made), { kind: 'delete', trigger: made });
  t.match(step(plain, withMetadata(made, { deletionTimestamp })), { kind: 'nothing' });
  t.match(step(plain, trigger), { kind: 'nothing' });
  t.match(step(plain), { kind: 'nothing' });
  t.match(step(withMetadata(annotated, { deletionTimestamp }), made), { kind: 'delete' });
});

t.test('a Trigger that has the name already', async (t) => {
  t.match(step(annotated, trigger), { kind: 'shadowed', trigger });
  t.match(step(annotated, withMetadata(trigger, { deletionTimestamp })), { kind: 'wait' });
  const earlier = applied(withMetadata(annotated, { uid: 'uid-earlier' }));
  t.match(step(annotated, earlier), { kind: 'wait' }, 'of a Deployment that was here before');
  const labels = { 'app.kubernetes.io/managed-by': 'millrace' };
  t.match(step(annotated, withMetadata(trigger, { labels })), { kind: 'shadowed' });
});

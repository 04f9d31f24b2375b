import t from 'tap';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import { isUpToDate, withAppliedHash, withoutDrift } from '../../../controller/plan/drift.ts';
import { endpointsService } from '../../../controller/plan/endpoints-service.ts';
import { deployment, scaledSubscription, trigger } from '../fixtures/observed-state.ts';

t.test('as desired: all that was applied is there, whatever others have added', async (t) => {
  const desired = withAppliedHash({ ...deployment, spec: { a: 1, list: [{ b: 2 }] } });
  t.equal(desired.metadata.annotations?.['controller.millrace.dev/applied']?.length, 16);
  const found = { ...desired, spec: { a: 1, list: [{ b: 2, added: true }], more: null } };
  t.ok(isUpToDate(found, desired));
  for (const spec of [{ a: 2, list: [{ b: 2 }] }, { a: 1, list: [] }, { a: 1, list: 'text' }, null, { a: 1 }])
    t.notOk(isUpToDate({ ...desired, spec }, desired), JSON.stringify(spec));
  t.notOk(
    isUpToDate(desired, withAppliedHash({ ...deployment, spec: { a: 1 } })),
    'what is dropped changes the hash',
  );
});

t.test('what others have added is seen where it matters, and taken away where no apply does', (t) => {
  const desired = endpointsService(trigger, scaledSubscription(), deployment);
  const added = (changes: object): Resource => ({
    ...desired,
    spec: { ...(desired.spec as object), ...changes },
  });
  const filled = added({ ipFamilies: ['IPv4'] });
  t.ok(isUpToDate(filled, desired), 'defaults are the API server’s');
  t.notOk(isUpToDate(added({ selector: { app: 'mailer', tier: 'front' } }), desired));
  const ports = [...(desired.spec as { ports: object[] }).ports, { port: 1 }];
  t.notOk(isUpToDate(added({ ports }), desired));
  t.strictSame(withoutDrift(added({ ipFamilies: ['IPv4'], ports }), desired), filled);

  const own = withAppliedHash(trigger);
  const suspended = { ...own, spec: { ...(own.spec as object), suspend: true } };
  t.notOk(isUpToDate(suspended, own), 'a Trigger of ours is that of the annotations, and nothing else');
  t.strictSame(withoutDrift(suspended, own), own);
  t.end();
});

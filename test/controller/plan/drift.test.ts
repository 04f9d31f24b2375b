import t from 'tap';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import { isAsWanted, withAppliedHash, withoutAdditions } from '../../../controller/plan/drift.ts';
import { endpointsService } from '../../../controller/plan/endpoints-service.ts';
import { deployment, scaledSubscription, trigger } from '../fixtures/observed.ts';

t.test('as wanted: all that was applied is there, whatever others have added', async (t) => {
  const wanted = withAppliedHash({ ...deployment, spec: { a: 1, list: [{ b: 2 }] } });
  t.equal(wanted.metadata.annotations?.['controller.millrace.dev/applied']?.length, 16);
  const found = { ...wanted, spec: { a: 1, list: [{ b: 2, added: true }], more: null } };
  t.ok(isAsWanted(found, wanted));
  for (const spec of [{ a: 2, list: [{ b: 2 }] }, { a: 1, list: [] }, { a: 1, list: 'text' }, null, { a: 1 }])
    t.notOk(isAsWanted({ ...wanted, spec }, wanted), JSON.stringify(spec));
  t.notOk(
    isAsWanted(wanted, withAppliedHash({ ...deployment, spec: { a: 1 } })),
    'what is dropped changes the hash',
  );
});

t.test('what others have added is seen where it matters, and taken away where no apply does', (t) => {
  const wanted = endpointsService(trigger, scaledSubscription(), deployment);
  const added = (changes: object): Resource => ({
    ...wanted,
    spec: { ...(wanted.spec as object), ...changes },
  });
  const filled = added({ ipFamilies: ['IPv4'] });
  t.ok(isAsWanted(filled, wanted), 'defaults are the API server’s');
  t.notOk(isAsWanted(added({ selector: { app: 'mailer', tier: 'front' } }), wanted));
  const ports = [...(wanted.spec as { ports: object[] }).ports, { port: 1 }];
  t.notOk(isAsWanted(added({ ports }), wanted));
  t.strictSame(withoutAdditions(added({ ipFamilies: ['IPv4'], ports }), wanted), filled);

  const own = withAppliedHash(trigger);
  const suspended = { ...own, spec: { ...(own.spec as object), suspend: true } };
  t.notOk(isAsWanted(suspended, own), 'a Trigger of ours is that of the annotations, and nothing else');
  t.strictSame(withoutAdditions(suspended, own), own);
  t.end();
});

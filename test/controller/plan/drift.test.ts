import t from 'tap';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import { isUpToDate, withAppliedHash, withoutDrift } from '../../../controller/plan/drift.ts';
import { endpointsService } from '../../../controller/plan/endpoints-service.ts';
import { deployment, scaledSubscription, trigger } from '../fixtures/observed-state.ts';

t.test('up to date: everything that was applied is unchanged, whatever others have added', async (t) => {
  const desired = withAppliedHash({ ...deployment, spec: { a: 1, list: [{ b: 2 }] } });
  t.equal(desired.metadata.annotations?.['controller.millrace.dev/applied']?.length, 16);
  const found = { ...desired, spec: { a: 1, list: [{ b: 2, added: true }], more: null } };
  t.ok(isUpToDate(found, desired));
  for (const spec of [{ a: 2, list: [{ b: 2 }] }, { a: 1, list: [] }, { a: 1, list: 'text' }, null, { a: 1 }])
    t.notOk(isUpToDate({ ...desired, spec }, desired), JSON.stringify(spec));
  t.notOk(
    isUpToDate(desired, withAppliedHash({ ...deployment, spec: { a: 1 } })),
    'a field that is no longer applied changes the hash',
  );
});

t.test('additions of others that matter are drift, and a replace removes them', (t) => {
  const desired = endpointsService(trigger, scaledSubscription(), { app: 'mailer' });
  const added = (changes: object): Resource => ({
    ...desired,
    spec: { ...(desired.spec as object), ...changes },
  });
  const filled = added({ ipFamilies: ['IPv4'] });
  t.ok(isUpToDate(filled, desired), 'the API server sets defaults');
  const { publishNotReadyAddresses, ...kept } = filled.spec as Record<string, unknown>;
  t.equal(publishNotReadyAddresses, false);
  t.ok(isUpToDate({ ...filled, spec: kept }, desired), 'and leaves out what is false');
  t.notOk(isUpToDate(added({ publishNotReadyAddresses: true }), desired));
  t.notOk(isUpToDate(added({ selector: { app: 'mailer', tier: 'front' } }), desired));
  const ports = [...(desired.spec as { ports: object[] }).ports, { port: 1 }];
  t.notOk(isUpToDate(added({ ports }), desired));
  t.strictSame(withoutDrift(added({ ipFamilies: ['IPv4'], ports }), desired), filled);

  const own = withAppliedHash(trigger);
  const suspended = { ...own, spec: { ...(own.spec as object), suspend: true } };
  t.notOk(isUpToDate(suspended, own), 'a Trigger made from annotations has nothing else in its spec');
  t.strictSame(withoutDrift(suspended, own), own);
  const { spec: _spec, ...bare } = trigger;
  const data = { ...bare, data: { a: 'b' } };
  t.strictSame(withoutDrift({ ...bare, data: { a: 'c' } }, data), data, 'not everything has a spec');
  t.end();
});

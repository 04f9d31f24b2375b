import t from 'tap';
import { desiredResources } from '../../../controller/plan/desired-resources.ts';
import type { ObservedState } from '../../../controller/plan/observed-state.ts';
import { observedOf, scaledSubscription, workload } from '../fixtures/observed-state.ts';

const desired = (changes: Partial<ObservedState> = {}) =>
  desiredResources(observedOf(changes), scaledSubscription());

t.test('a Service and a ScaledObject', async (t) => {
  t.match(desired(), {
    service: { kind: 'Service', spec: { selector: { app: 'mailer' } } },
    scaledObject: { kind: 'ScaledObject', spec: { scaleTargetRef: { kind: 'Deployment', name: 'mailer' } } },
  });
});

t.test('no ScaledObject where nothing can be scaled', async (t) => {
  for (const changes of [{ scaler: undefined }, { hasKeda: false }, { workloadHolder: 'geo/older' }]) {
    const made = desired(changes);
    t.ok(made.service);
    t.equal(made.scaledObject, undefined);
  }
});

t.test('nothing without a workload, its pods, or the consumer group', async (t) => {
  const selector = { kind: 'unsupported', why: 'by something' } as const;
  for (const changes of [
    { workload: undefined },
    { workload: { kind: 'missing' } as const },
    { workload: { kind: 'found', workload: { ...workload, selector } } as const },
    { groupHolder: 'geo/older' },
  ])
    t.strictSame(desired(changes), { service: undefined, scaledObject: undefined });
});

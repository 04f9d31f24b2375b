import t from 'tap';
import { desiredResources } from '../../../controller/plan/desired-resources.ts';
import type { ScalerAddress } from '../../../controller/plan/observed-state.ts';
import { deployment, scaledSubscription, scaler, trigger } from '../fixtures/observed-state.ts';

const desired = (of: ScalerAddress | undefined) =>
  desiredResources(trigger, scaledSubscription(), deployment, of);

t.test('a Service and a ScaledObject; no CA where the scaler serves plain text', async (t) => {
  const made = desired(scaler);
  t.match(made, { service: { kind: 'Service' }, scaledObject: { kind: 'ScaledObject' } });
  t.equal(made.ca, undefined);
  t.equal(made.authentication, undefined);
});

t.test('with TLS, KEDA is given the CA beside the function', async (t) => {
  t.match(desired({ ...scaler, ca: 'PEM' }), {
    ca: { kind: 'ConfigMap', data: { 'ca.crt': 'PEM' } },
    authentication: { kind: 'TriggerAuthentication' },
  });
});

t.test(
  'with mutual TLS, KEDA is given everything in one place, and nothing beside the function',
  async (t) => {
    const made = desired({ ...scaler, ca: 'PEM', clusterAuthentication: 'millrace-scaler.millrace' });
    t.match(made, { ca: undefined, authentication: undefined });
    t.ok(made.scaledObject);
  },
);

t.test('without a scaler nothing is scaled', async (t) => {
  const made = desired(undefined);
  t.equal(made.scaledObject, undefined);
  t.ok(made.service);
});

import t from 'tap';
import { namesAuthentication, scalerAuthentication } from '../../../controller/plan/scaler-authentication.ts';
import { scaler, scaledObjectOf } from '../fixtures/observed-state.ts';

const secured = { ...scaler, ca: 'PEM', namespaceAuthentication: 'scaler-ca' };

t.test(
  'the CA of the scaler, and the TriggerAuthentication that reads it, of a whole namespace',
  async (t) => {
    const metadata = {
      name: 'scaler-ca',
      namespace: 'geo',
      labels: { 'app.kubernetes.io/managed-by': 'millrace' },
      ownerReferences: undefined,
    };
    t.match(scalerAuthentication('geo', secured), {
      configMap: { kind: 'ConfigMap', metadata, data: { 'ca.crt': 'PEM' } },
      triggerAuthentication: {
        kind: 'TriggerAuthentication',
        metadata,
        spec: { configMapTargetRef: [{ parameter: 'caCert', name: 'scaler-ca', key: 'ca.crt' }] },
      },
    });
  },
);

t.test('none without TLS, or where one for the whole cluster has it', async (t) => {
  t.equal(scalerAuthentication('geo', scaler), undefined);
  t.equal(scalerAuthentication('geo', { ...scaler, ca: 'PEM', clusterAuthentication: 'all' }), undefined);
});

t.test('which ScaledObjects name it', async (t) => {
  const naming = (authenticationRef?: object) => ({
    ...scaledObjectOf({}),
    spec: { triggers: [{ type: 'external-push', authenticationRef }] },
  });
  t.ok(namesAuthentication(naming({ name: 'scaler-ca' }), 'scaler-ca'));
  t.ok(namesAuthentication(naming({ kind: 'TriggerAuthentication', name: 'scaler-ca' }), 'scaler-ca'));
  t.notOk(namesAuthentication(naming({ name: 'other' }), 'scaler-ca'));
  t.notOk(
    namesAuthentication(naming({ kind: 'ClusterTriggerAuthentication', name: 'scaler-ca' }), 'scaler-ca'),
  );
  t.notOk(namesAuthentication(naming(), 'scaler-ca'));
});

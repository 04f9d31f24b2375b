import t from 'tap';
import { caConfigMap, triggerAuthentication } from '../../../controller/plan/trigger-authentication.ts';
import { trigger } from '../fixtures/observed-state.ts';

t.test('the CA of the scaler, and the TriggerAuthentication that reads it', async (t) => {
  t.match(caConfigMap(trigger, 'PEM'), {
    kind: 'ConfigMap',
    metadata: { name: 'quakes-millrace' },
    data: { 'ca.crt': 'PEM' },
  });
  t.match(triggerAuthentication(trigger), {
    metadata: { name: 'quakes-millrace' },
    spec: { configMapTargetRef: [{ parameter: 'caCert', name: 'quakes-millrace', key: 'ca.crt' }] },
  });
});

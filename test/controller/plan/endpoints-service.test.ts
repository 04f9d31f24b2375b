import t from 'tap';
import { endpointsService } from '../../../controller/plan/endpoints-service.ts';
import { scaledSubscription, trigger } from '../fixtures/observed-state.ts';

t.test('a headless Service for the ready pods of the workload', async (t) => {
  t.match(endpointsService(trigger, scaledSubscription(), { app: 'mailer' }), {
    kind: 'Service',
    metadata: {
      name: 'quakes-millrace',
      namespace: 'geo',
      labels: { 'millrace.dev/trigger': 'quakes', 'app.kubernetes.io/managed-by': 'millrace' },
      ownerReferences: [{ uid: 'uid-trigger' }],
    },
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: false,
      selector: { app: 'mailer' },
      ports: [{ port: 8080, targetPort: 8080 }],
    },
  });
});

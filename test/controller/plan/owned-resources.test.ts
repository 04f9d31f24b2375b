import t from 'tap';
import type { Resource } from '../../../core/contract/kubernetes-client.ts';
import {
  ownedResourcesOf,
  isAsWanted,
  namesOwnAuthentication,
  withAppliedHash,
  withoutAdditions,
} from '../../../controller/plan/owned-resources.ts';
import { deployment, scaledSubscription, scaler, trigger } from '../fixtures/observed.ts';

t.test('a headless Service for the pods of the Deployment, and a ScaledObject that pushes', async (t) => {
  const subscription = scaledSubscription({
    scale: { minReplicaCount: 0, maxReplicaCount: 5, pollingIntervalSeconds: 7, cooldownPeriodSeconds: 9 },
  });
  const made = ownedResourcesOf(trigger, subscription, deployment, scaler);
  t.match(made.service, {
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
  t.strictSame(made.scaledObject?.spec, {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'mailer' },
    minReplicaCount: 0,
    maxReplicaCount: 5,
    pollingInterval: 7,
    cooldownPeriod: 9,
    initialCooldownPeriod: 9,
    fallback: { failureThreshold: 3, replicas: 1, behavior: 'currentReplicas' },
    advanced: { restoreToOriginalReplicaCount: true },
    triggers: [
      {
        type: 'external-push',
        metadata: { scalerAddress: 'millrace-scaler.millrace.svc:6000', trigger: 'quakes' },
      },
    ],
  });
  t.equal(made.ca, undefined);
  t.equal(made.authentication, undefined);
});

t.test('with TLS, KEDA is given the CA beside the function', async (t) => {
  const made = ownedResourcesOf(trigger, scaledSubscription(), deployment, { ...scaler, ca: 'PEM' });
  t.match(made.ca, { kind: 'ConfigMap', metadata: { name: 'quakes-millrace' }, data: { 'ca.crt': 'PEM' } });
  t.match(made.authentication, {
    metadata: { name: 'quakes-millrace' },
    spec: { configMapTargetRef: [{ parameter: 'caCert', name: 'quakes-millrace', key: 'ca.crt' }] },
  });
  t.match(made.scaledObject?.spec, {
    triggers: [{ metadata: { enableTLS: 'true' }, authenticationRef: { name: 'quakes-millrace' } }],
  });
});

t.test(
  'KEDA that shows who it is finds all of it in one place, and nothing lies beside the function',
  async (t) => {
    const clusterAuthentication = 'millrace-scaler.millrace';
    const secured = { ...scaler, ca: 'PEM', clusterAuthentication, tlsRevision: 'a1' };
    const made = ownedResourcesOf(trigger, scaledSubscription(), deployment, secured);
    t.match(made, { ca: undefined, authentication: undefined });
    t.match(made.scaledObject?.spec, {
      triggers: [
        {
          metadata: { enableTLS: 'true', tlsRevision: 'a1' },
          authenticationRef: { kind: 'ClusterTriggerAuthentication', name: clusterAuthentication },
        },
      ],
    });
  },
);

t.test('who is sent to the authentication beside the trigger', async (t) => {
  const naming = (changes: object) =>
    namesOwnAuthentication(
      ownedResourcesOf(trigger, scaledSubscription(), deployment, { ...scaler, ...changes }).scaledObject!,
    );
  t.equal(naming({}), false);
  t.equal(naming({ ca: 'PEM' }), true);
  t.equal(naming({ ca: 'PEM', clusterAuthentication: 'millrace' }), false);
});

t.test('without a scaler nothing is scaled; a Deployment without labels selects nothing', async (t) => {
  const made = ownedResourcesOf(trigger, scaledSubscription(), { ...deployment, spec: {} }, undefined);
  t.equal(made.scaledObject, undefined);
  t.match(made.service, { spec: { selector: {} } });
});

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
  const { service } = ownedResourcesOf(trigger, scaledSubscription(), deployment, scaler);
  const wanted = service!;
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

import t from 'tap';
import type { Resource } from '../../../../core/contract/kubernetes-client.ts';
import { namedServiceCondition } from '../../../../controller/plan/conditions/named-service-condition.ts';

const selector = { app: 'mailer' };
const ports = [{ name: 'web', port: 80, targetPort: 'http', protocol: 'TCP' }];
const service = (spec: object): Resource => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'mailer', namespace: 'geo' },
  spec,
});

t.test('a Service that leads to the function, one that does not, and why', async (t) => {
  for (const [found, status, reason, message] of [
    [undefined, 'Unknown', 'NotCheckedYet', /not been looked up/],
    ['missing', 'False', 'ServiceMissing', /Create it/],
    [service({ selector, ports }), 'True', 'ServiceExists', /the ready pods of Service mailer/],
    [service({ selector, ports: [{ port: 80 }] }), 'True', 'ServiceExists', /Nothing is scaled\.$/],
    [service({ ports }), 'True', 'ServiceExists', /only where somebody writes EndpointSlices/],
    [
      service({ selector, ports, publishNotReadyAddresses: true }),
      'True',
      'ServiceExists',
      /pods that are not ready/,
    ],
    [
      service({ type: 'ExternalName', externalName: 'example.com' }),
      'False',
      'ServiceNotSupported',
      /spec\.function\.uri/,
    ],
    [
      service({ selector, ports: [{ port: 53, protocol: 'UDP' }] }),
      'False',
      'ServiceNotSupported',
      /no TCP port/,
    ],
    [service({ selector }), 'False', 'ServiceNotSupported', /no TCP port/],
  ] as const)
    t.match(namedServiceCondition(found, 'mailer'), { status, reason, message });
});

import t from 'tap';
import { findStrayDeployments, whyNoCommand } from '../../../cli/local/function-deployments.ts';
import { parseManifests } from '../../../core/resources/manifests/parse-manifests.ts';

const trigger = (target: string): string => `apiVersion: millrace.dev/v1alpha1
kind: Trigger
metadata: { name: invoicer, namespace: shop }
spec:
  source: { topics: [orders] }
  function: { ${target} }
`;
const deployment = (metadata: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: { ${metadata} }
`;
const byName = 'ref: { name: invoicer }';

function read(target: string, ...deployments: string[]) {
  const text = [trigger(target), ...deployments.map(deployment)].join('---\n');
  const files = [{ file: 'shop.yaml', text }];
  const { subscriptions, problems } = parseManifests(files, () => undefined);
  const [subscription] = subscriptions;
  if (subscription === undefined) throw new Error(problems[0]?.message);
  return { why: whyNoCommand(files, subscription), warnings: findStrayDeployments(files, subscriptions) };
}

t.test('a Deployment that only another namespace has is pointed at, with its place', async (t) => {
  const { why, warnings } = read(byName, 'name: invoicer', 'name: other, namespace: shop');
  t.equal(
    why,
    'no manifest declares the Deployment shop/invoicer: the one in shop.yaml:10 is in the namespace default; write `namespace: shop` there',
  );
  t.match(warnings, [
    {
      file: 'shop.yaml',
      line: 10,
      path: 'metadata.namespace',
      message: /^is default, but the trigger shop\/invoicer looks for the Deployment invoicer in shop$/,
      remedy: 'Write `namespace: shop`.',
    },
  ]);
});

t.test('a Deployment without the annotation, or none, or a function that no file declares', async (t) => {
  const lacking = read(byName, 'name: invoicer, namespace: shop', 'name: invoicer');
  t.match(lacking, {
    why: /^its Deployment shop\/invoicer has no annotation millrace\.dev\/dev-command$/,
    warnings: [],
  });
  t.strictSame(lacking.warnings, []);
  const absent = read(byName);
  t.match(absent.why, /^no manifest declares the Deployment shop\/invoicer: add it with the annotation/);
  t.strictSame(absent.warnings, []);
  t.match(read('service: { name: invoicer }').why, /the Service invoicer, which exists only in a cluster/);
  t.equal(read('uri: http://localhost:1/').why, 'its function is not one that is started here');
});

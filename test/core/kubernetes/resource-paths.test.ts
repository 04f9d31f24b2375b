import t from 'tap';
import { describePlace, groupOf, groupPath, resourcePath } from '../../../core/kubernetes/resource-paths.ts';

const triggers = { apiVersion: 'millrace.dev/v1alpha1', plural: 'triggers' };

t.test('the path of a resource, with and without a group, a namespace, a name', async (t) => {
  t.equal(resourcePath(triggers), '/apis/millrace.dev/v1alpha1/triggers');
  t.equal(
    resourcePath({ ...triggers, namespace: 'geo', name: 'a/b', subresource: 'status' }),
    '/apis/millrace.dev/v1alpha1/namespaces/geo/triggers/a%2Fb/status',
  );
  t.equal(
    resourcePath({ apiVersion: 'v1', plural: 'services', namespace: 'geo' }),
    '/api/v1/namespaces/geo/services',
  );
  t.equal(
    resourcePath({ apiVersion: 'v1', plural: 'namespaces', namespace: '', name: 'geo' }),
    '/api/v1/namespaces/geo',
  );
  t.equal(groupPath('v1'), '/api/v1');
  t.equal(groupOf('v1'), '');
});

t.test('messages name a resource as RBAC does', async (t) => {
  t.equal(describePlace(triggers), 'triggers.millrace.dev in all namespaces');
  t.equal(
    describePlace({ ...triggers, namespace: 'geo', name: 'quakes', subresource: 'status' }),
    'triggers/status.millrace.dev "quakes" in the namespace geo',
  );
  t.equal(
    describePlace({ apiVersion: 'v1', plural: 'services', namespace: 'geo' }),
    'services in the namespace geo',
  );
  t.equal(
    describePlace({ apiVersion: 'v1', plural: 'namespaces', namespace: '', name: 'geo' }),
    'namespaces "geo"',
  );
});

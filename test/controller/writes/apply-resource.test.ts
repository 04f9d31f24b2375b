import t from 'tap';
import { MillraceError } from '../../../core/contract/errors.ts';
import { isRefusal, undeclaredFields } from '../../../controller/writes/apply-resource.ts';
import { deployment } from '../fixtures/observed-state.ts';

const said = (text: string) => new MillraceError('MILLRACE_KUBERNETES_FAILED', text);

t.test('which fields the API server does not know, in its own words', async (t) => {
  const one =
    '(500): failed to create typed patch object (default/a; keda.sh/v1alpha1, Kind=ScaledObject): .spec.fallback.behavior: field not declared in schema';
  t.strictSame(undeclaredFields(said(one)), ['.spec.fallback.behavior']);
  const two =
    'errors:\n  .spec.a.tolerance: field not declared in schema\n  .spec.b: field not declared in schema';
  t.strictSame(undeclaredFields(said(two)), ['.spec.a.tolerance', '.spec.b']);
  t.strictSame(undeclaredFields(said('etcd is away')), []);
  t.strictSame(undeclaredFields(new Error(one)), []);
});

t.test('what the API server will refuse again', async (t) => {
  t.ok(isRefusal(new MillraceError('MILLRACE_KUBERNETES_FORBIDDEN', 'quota'), undefined));
  t.ok(isRefusal(said('.spec.b: field not declared in schema'), undefined));
  t.notOk(isRefusal(said('etcd is away'), undefined));
  const conflict = new MillraceError('MILLRACE_KUBERNETES_CONFLICT', 'changed');
  t.ok(isRefusal(conflict, undefined), 'the name is taken');
  t.notOk(isRefusal(conflict, deployment), 'it has changed meanwhile');
  t.notOk(isRefusal(new Error('a mistake of ours'), undefined));
});

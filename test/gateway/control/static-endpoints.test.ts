import t from 'tap';
import type { FunctionTarget } from '../../../core/contract/subscription.ts';
import { createStaticEndpoints } from '../../../gateway/control/static-endpoints.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';

function watch(target: FunctionTarget) {
  const base = subscriptionOf('mailer');
  const [reported, unknown]: [unknown[], string[]] = [[], []];
  const endpoints = createStaticEndpoints(({ key }) => unknown.push(key));
  const stop = endpoints.watch({ ...base, function: { ...base.function, target } }, (ready) =>
    reported.push(ready),
  );
  stop();
  return { reported, unknown };
}

t.test('the origin of the URI is the endpoint, reported at once', async (t) => {
  const { reported, unknown } = watch({ kind: 'uri', uri: 'http://mailer.svc:8080/in/box?x=1' });
  t.strictSame(reported, [[{ origin: 'http://mailer.svc:8080' }]]);
  t.strictSame(unknown, []);
  t.strictSame(watch({ kind: 'uri', uri: 'https://mailer' }).reported, [[{ origin: 'https://mailer' }]]);
});

t.test('a function that is named in another way is said to be unknown', async (t) => {
  const { reported, unknown } = watch({ kind: 'service', name: 'mailer' });
  t.strictSame(reported.flat(), []);
  t.strictSame(unknown, ['geo/mailer']);
});

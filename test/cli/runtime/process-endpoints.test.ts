import t from 'tap';
import type { Test } from 'tap';
import { ProcessEndpoints } from '../../../cli/runtime/process-endpoints.ts';
import type { Subscription } from '../../../core/contract/subscription.ts';
import { subscriptionOf } from './fixtures/subscription.ts';
import { until } from './fixtures/until.ts';

function endpointsOf(t: Test): ProcessEndpoints {
  const endpoints = new ProcessEndpoints({
    others: {
      watch(_subscription, onChange) {
        onChange([{ origin: 'http://elsewhere:80' }]);
        return () => undefined;
      },
    },
    inFlight: () => 0,
    onLine: () => undefined,
    onTrouble: () => undefined,
  });
  t.teardown(() => endpoints.stop());
  return endpoints;
}

/** The ready endpoints that a watching gateway gets, change by change. */
function watched(endpoints: ProcessEndpoints, subscription: Subscription): string[][] {
  const seen: string[][] = [];
  endpoints.watch(subscription, (ready) => seen.push(ready.map(({ origin }) => origin)));
  return seen;
}

t.test('reports who is ready: at once, and at every change', async (t) => {
  const endpoints = endpointsOf(t);
  const subscription = subscriptionOf('one');
  const early = watched(endpoints, subscription);
  t.strictSame(early, [[]]);
  endpoints.scaleTo(subscription, 1);
  t.strictSame(endpoints.count('geo/one'), { desired: 1, ready: 0, alive: 1 });
  await until(() => early.length === 2);
  t.match(early[1], [/^http:\/\/127\.0\.0\.1:\d+$/]);
  t.strictSame(watched(endpoints, subscription), [early[1]], 'a later listener gets the same');
  endpoints.scaleTo(subscription, 0);
  t.strictSame(early[2], []);
  await until(() => endpoints.count('geo/one').alive === 0);
});

t.test('who has no dev-command is somewhere else', async (t) => {
  const endpoints = endpointsOf(t);
  const subscription = subscriptionOf('far', { dev: undefined });
  endpoints.scaleTo(subscription, 3);
  t.strictSame(watched(endpoints, subscription), [['http://elsewhere:80']]);
  t.strictSame(endpoints.count('geo/far'), { desired: 0, ready: 0, alive: 0 });
});

t.test('an edit', async (t) => {
  const endpoints = endpointsOf(t);
  const before = subscriptionOf('edited');
  const seen = watched(endpoints, before);
  endpoints.scaleTo(before, 1);
  await until(() => seen.length === 2);

  endpoints.apply([{ ...before, suspend: true }]);
  t.equal(seen.length, 2, 'of something else leaves the process alone');

  const after = {
    ...before,
    dev: { command: `${before.dev?.command} polite`, directory: before.dev?.directory ?? '' },
  };
  endpoints.apply([after]);
  await until(() => seen.length === 4);
  t.strictSame(seen[2], [], 'of the dev-command ends the old process');
  t.notSame(seen[3], seen[1], 'and starts another');
  t.equal(endpoints.count('geo/edited').desired, 1);

  endpoints.apply([]);
  t.strictSame(seen.at(-1), [], 'that removes the trigger ends the last');
});

import t from 'tap';
import { sumUp } from '../../../cli/gateways/trigger-summary.ts';
import { snapshotOf } from './fixtures/snapshot.ts';

const at = (url: string, ...snapshots: Parameters<typeof snapshotOf>[0][]) =>
  snapshots.map((snapshot) => ({ url, snapshot: snapshotOf(snapshot) }));

t.test('one line for a trigger that several gateways serve: sums, and the worst state', async (t) => {
  const reason = 'topic "orders" missing';
  t.match(
    sumUp([
      ...at('one', {
        key: 'shop/b',
        partitions: 2,
        inFlight: 3,
        blocked: 1,
        delivered: 5,
        readyEndpoints: 2,
      }),
      ...at('two', { key: 'shop/b', state: 'failing', ready: false, reason, inFlight: 1, readyEndpoints: 1 }),
      ...at('two', { key: 'shop/a' }),
    ]),
    [
      { trigger: 'shop/a', state: 'consuming', ready: true, why: '', gateways: 1 },
      {
        trigger: 'shop/b',
        state: 'failing',
        ready: false,
        why: reason,
        gateways: 2,
        partitions: 2,
        inFlight: 4,
        blocked: 1,
        delivered: 5,
        readyEndpoints: 2,
      },
    ],
  );
});

t.test('why nothing is delivered, though the trigger is ready', async (t) => {
  const whyOf = (snapshot: Parameters<typeof snapshotOf>[0]) => sumUp(at('one', snapshot))[0]?.why;
  t.equal(whyOf({ missingCredentials: 'Secret token is missing', held: 1 }), 'Secret token is missing');
  t.equal(whyOf({ key: 'shop/a', blocked: 1, held: 1 }), 'see: millrace blocked shop/a');
  t.equal(whyOf({ held: 1 }), 'no endpoint of the function is ready');
});

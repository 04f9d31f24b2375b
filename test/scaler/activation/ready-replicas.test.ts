import t from 'tap';
import { countReadyReplicas } from '../../../scaler/activation/ready-replicas.ts';
import type { Endpoint } from '../../../core/contract/endpoint-source.ts';
import type { TriggerSource } from '../../../core/contract/trigger-source.ts';
import type { Subscription } from '../../../core/contract/subscription.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';

/** Endpoints and triggers that the test tells. */
async function world() {
  const followers = new Map<Subscription, (ready: readonly Endpoint[]) => void>();
  let want: (wanted: readonly Subscription[]) => void = () => undefined;
  const source: TriggerSource = {
    watch: async (onChange) => {
      want = onChange;
      return () => undefined;
    },
  };
  const { triggers, replicas } = countReadyReplicas(source, {
    watch: (subscription, onChange) => {
      followers.set(subscription, onChange);
      return () => followers.delete(subscription);
    },
  });
  const told: (readonly Subscription[])[] = [];
  const stop = await triggers.watch((wanted) => told.push(wanted));
  return { followers, replicas, told, stop, want: (...wanted: Subscription[]) => want(wanted) };
}

const pods = (...ips: string[]): Endpoint[] => ips.map((ip) => ({ origin: `http://${ip}:8080` }));

t.test('the ready endpoints of whoever has a time to be drained in are counted', async (t) => {
  const { followers, replicas, told, want } = await world();
  const aimed = subscriptionOf('aimed', { scale: { targetDrainMs: 20_000 } });
  const other = subscriptionOf('other');
  want(aimed, other);
  t.strictSame(told, [[aimed, other]], 'all are told on');
  t.strictSame([...followers.keys()], [aimed], 'nobody else is followed');
  t.equal(replicas('geo/aimed'), undefined, 'nothing is known yet');
  followers.get(aimed)?.(pods('10.0.0.1', '10.0.0.2'));
  t.equal(replicas('geo/aimed'), 2);
  followers.get(aimed)?.(pods());
  t.equal(replicas('geo/aimed'), 0);
});

t.test('an edited trigger is counted anew, one that is gone or aims at nothing no more', async (t) => {
  const { followers, replicas, want, stop } = await world();
  const before = subscriptionOf('aimed', { scale: { targetDrainMs: 20_000 } });
  const after = subscriptionOf('aimed', { scale: { targetDrainMs: 10_000 } });
  want(before);
  followers.get(before)?.(pods('10.0.0.1'));
  want(after);
  t.strictSame([...followers.keys()], [after]);
  t.equal(replicas('geo/aimed'), undefined);
  followers.get(after)?.(pods('10.0.0.1'));
  t.equal(replicas('geo/aimed'), 1);
  want(subscriptionOf('aimed'));
  t.equal(followers.size, 0);
  t.equal(replicas('geo/aimed'), undefined);
  want(after);
  stop();
  t.equal(followers.size, 0, 'nor after the end');
});

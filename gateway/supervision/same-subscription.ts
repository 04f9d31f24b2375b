// Whether two Subscriptions mean the same pipeline. The KafkaAccess in them may be as large as its KafkaCluster, and all triggers of that share
// one object: two such objects are compared once, however many triggers name them.
import { isDeepStrictEqual } from 'node:util';
import type { KafkaAccess } from '../../core/contract/kafka-access.ts';
import type { Subscription } from '../../core/contract/subscription.ts';

const compared = new WeakMap<KafkaAccess, WeakMap<KafkaAccess, boolean>>();

export function isSameSubscription(a: Subscription, b: Subscription): boolean {
  if (a === b) return true;
  if (!isSameAccess(a.source.access, b.source.access)) return false;
  return isDeepStrictEqual(withoutAccess(a), withoutAccess(b));
}

function isSameAccess(a: KafkaAccess | undefined, b: KafkaAccess | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  let known = compared.get(a);
  if (known === undefined) compared.set(a, (known = new WeakMap()));
  let isSame = known.get(b);
  if (isSame === undefined) known.set(b, (isSame = isDeepStrictEqual(a, b)));
  return isSame;
}

function withoutAccess(subscription: Subscription): object {
  return { ...subscription, source: { ...subscription.source, access: undefined } };
}

// What the controller looks at before it decides about one trigger: facts, as they were read, and nothing of how.
import type { ErrorCode } from '../../core/contract/errors.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { ConditionStatus } from '../../core/resources/trigger-status.ts';

/** What is so about one condition, and what to do. */
export interface Finding {
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
}

export type Reading =
  | { readonly kind: 'right'; readonly subscription: Subscription }
  | { readonly kind: 'wrong'; readonly reason: string; readonly message: string };

export interface Unread {
  readonly kind: 'failed';
  readonly code: ErrorCode;
  readonly message: string;
}

/** What Kafka says of a trigger. */
export interface KafkaFacts {
  readonly source:
    | {
        readonly kind: 'read';
        readonly partitions: number;
        /** Partitions of which the group has an offset. */
        readonly committed: number;
      }
    | Unread;
  readonly group:
    | {
        readonly kind: 'read';
        readonly members: number;
        /** Partitions of the source that a member has. */
        readonly assigned: number;
        readonly rebalancing: boolean;
      }
    | Unread;
  /** Since when something of the source or the group was lacking, without a break; undefined while nothing is. */
  readonly lackingSinceMs: number | undefined;
  /** Undefined where it is unknown. */
  readonly backlog: bigint | undefined;
  /** The topics that the trigger stores to. */
  readonly stores: readonly StoreFact[];
}

export interface StoreFact {
  readonly what: 'dead letters' | 'replies';
  readonly topic: string;
  /** `forbidden`: our user may not know of it, or not write to it. */
  readonly state: 'there' | 'missing' | 'forbidden' | 'unknown';
}

/** What stands under the names that the controller would give, whoever made it. */
export interface OwnedResources {
  readonly service: Resource | undefined;
  readonly scaledObject: Resource | undefined;
  readonly authentication: Resource | undefined;
  readonly ca: Resource | undefined;
}

export type OwnedResourceName = keyof OwnedResources;

/** How KEDA reaches the scaler. */
export interface ScalerAddress {
  /** `host:port`. */
  readonly address: string;
  /** PEM; absent where the scaler serves plain text. */
  readonly ca: string | undefined;
  /** The ClusterTriggerAuthentication that has all of it for KEDA, which then needs nothing beside the trigger. */
  readonly clusterAuthentication?: string | undefined;
  /** Another one where KEDA has to read anew what the two know each other by. */
  readonly tlsRevision?: string | undefined;
}

export interface Observed {
  readonly nowMs: number;
  readonly trigger: Resource;
  readonly reading: Reading;
  /** Key of an older trigger that has the consumer group. */
  readonly groupOf: string | undefined;
  /** Key of an older trigger that has the Deployment scaled. */
  readonly targetOf: string | undefined;
  /** A Deployment has the trigger's name and annotations of its own, which therefore mean nothing. */
  readonly shadows: boolean;
  /** The one that `function.ref` names. */
  readonly deployment: Resource | undefined;
  /** Whether the Service that `function.service` names is there; undefined where that could not be read. */
  readonly serviceThere: boolean | undefined;
  readonly owned: OwnedResources;
  /** Why the API server did not take what was last applied. */
  readonly refusals: ReadonlyMap<OwnedResourceName, string>;
  /** Undefined before the first look. */
  readonly kafka: KafkaFacts | undefined;
  readonly hasKeda: boolean;
  /** Undefined where Kafka's side alone is looked after: nothing is scaled. */
  readonly scaler: ScalerAddress | undefined;
  /** Undefined where it has not been tried; else whether it answered, or why not. */
  readonly scalerAnswers: true | string | undefined;
}

// A trigger as the gateway and the scaler run it: every field resolved, every default filled in, units in the names. Its fields correspond
// to those of core/resources/schema/trigger-schema.ts; core/resources/resolve-subscription.ts converts one to the other.

import type { ExpressionDialect } from './expressions.ts';
import type { FunctionAuthentication, FunctionTls } from './function-access.ts';
import type { KafkaAccess } from './kafka-access.ts';

export type Ordering = 'partition' | 'key' | 'none';
export type ContentMode = 'binary' | 'structured' | 'batched';
export type BackoffPolicy = 'linear' | 'exponential';
export type EventDialect = 'millrace' | 'knative';

/** A filter of the CloudEvents Subscriptions API (draft, section 3.2.4): a tree of dialects. */
export type Filter =
  | { readonly kind: 'exact' | 'prefix' | 'suffix'; readonly attributes: Readonly<Record<string, string>> }
  | { readonly kind: 'all' | 'any'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  /** An expression of CloudEvents SQL or CEL that compiles. */
  | { readonly kind: ExpressionDialect; readonly expression: string };

export type InitialOffset = 'earliest' | 'latest' | { readonly timestampMs: number };

export interface SourceSettings {
  readonly cluster: string;
  /** How to connect to the cluster; absent for the cluster of the installation, which `KAFKA_BROKERS` names. */
  readonly access?: KafkaAccess | undefined;
  /** Empty if `topicPattern` is given. */
  readonly topics: readonly string[];
  /** A regular expression that must match the whole name of a topic. */
  readonly topicPattern?: string | undefined;
  readonly consumerGroup: string;
  readonly initialOffset: InitialOffset;
}

/** How records that are not CloudEvents become events. */
export interface EventSettings {
  readonly type: string;
  /** Default: `/kafka/<cluster>/<topic>`, with the topic of the record. */
  readonly source?: string | undefined;
  readonly dialect: EventDialect;
}

export type FunctionTarget =
  | { readonly kind: 'uri'; readonly uri: string }
  | { readonly kind: 'ref'; readonly apiVersion: string; readonly resource: string; readonly name: string }
  | { readonly kind: 'service'; readonly name: string };

export interface BatchSettings {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly maxWaitMs: number;
}

export interface FunctionSettings {
  readonly target: FunctionTarget;
  readonly port: number;
  readonly path: string;
  readonly tls?: FunctionTls | undefined;
  readonly authentication?: FunctionAuthentication | undefined;
  readonly contentMode: ContentMode;
  readonly batch: BatchSettings;
  /** The most requests in flight per ready endpoint: a number, or the bounds of a learned one. */
  readonly concurrency: number | ConcurrencyBounds;
}

export interface ConcurrencyBounds {
  readonly min: number;
  readonly max: number;
}

/** The rate limit of one trigger in one gateway process. */
export interface RateLimit {
  readonly eventsPerSecond: number;
  readonly burst: number;
}

export interface RetrySettings {
  /** The most attempts after the first; -1: no limit. */
  readonly retry: number;
  readonly backoffPolicy: BackoffPolicy;
  readonly backoffDelayMs: number;
  readonly backoffMaxMs: number;
  readonly retryAfterMaxMs: number;
}

export interface DeliverySettings extends RetrySettings {
  readonly ordering: Ordering;
  readonly timeoutMs: number;
  readonly maxAgeMs?: number | undefined;
  /** With `ordering: key`: the most keys of a partition that may be parked at a time. Beyond that, no more of it is fetched. */
  readonly maxParkedKeys: number;
  readonly rateLimit?: RateLimit | undefined;
  readonly deadLetter?: { readonly topic: string } | undefined;
}

export interface ReplySettings {
  readonly topic: string;
  /** Replies and dead letters are stored in one transaction with the commit of their records' offsets. */
  readonly transactional: boolean;
}

/** As in `spec.behavior` of a HorizontalPodAutoscaler, which has the defaults. */
export interface ScalingBehavior {
  readonly scaleUp?: ScalingRules | undefined;
  readonly scaleDown?: ScalingRules | undefined;
}

export interface ScalingRules {
  readonly stabilizationWindowSeconds?: number | undefined;
  readonly selectPolicy?: 'Max' | 'Min' | 'Disabled' | undefined;
  readonly policies?: readonly ScalingPolicy[] | undefined;
}

export interface ScalingPolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}

export interface ScaleSettings {
  readonly minReplicaCount: number;
  readonly maxReplicaCount: number;
  readonly lagThreshold: number;
  /** If given, the backlog per replica follows the measured rate of a replica; `lagThreshold` counts until that is known. */
  readonly targetDrainMs?: number | undefined;
  readonly activationLagThreshold: number;
  readonly pollingIntervalSeconds: number;
  readonly cooldownPeriodSeconds: number;
  readonly behavior?: ScalingBehavior | undefined;
}

export interface Subscription {
  /** `namespace/name`, unique in an installation. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly suspend: boolean;
  readonly source: SourceSettings;
  readonly event: EventSettings;
  /** An event goes to the function only if all pass. */
  readonly filters: readonly Filter[];
  readonly function: FunctionSettings;
  readonly delivery: DeliverySettings;
  readonly reply?: ReplySettings | undefined;
  readonly scale: ScaleSettings;
  /** How `millrace dev` starts the function as a process, and where; from the annotation `millrace.dev/dev-command`. */
  readonly dev?: { readonly command: string; readonly directory: string } | undefined;
}

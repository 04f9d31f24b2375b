// The observed state of one trigger: everything that the plan is made from, as it was read.
import type { ErrorCode } from '../../core/contract/errors.ts';
import type { Resource } from '../../core/contract/kubernetes-client.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import type { RefusalReason } from '../../core/resources/trigger-resource.ts';
import type { AcceptedVersion, ConditionStatus, ConditionType } from '../../core/resources/trigger-status.ts';
import type { WorkloadReading } from './workload.ts';

/** A condition without its type, time and generation. */
export interface ConditionState {
  readonly status: ConditionStatus;
  readonly reason: string;
  readonly message: string;
  /** The message before it was cut; absent if it was not. */
  readonly whole?: string;
}

export type ParsedTrigger =
  | {
      readonly kind: 'right';
      readonly subscription: Subscription;
      readonly accepted: Omit<AcceptedVersion, 'generation'>;
    }
  | { readonly kind: 'wrong'; readonly reason: RefusalReason; readonly message: string };

export interface ReadFailure {
  readonly kind: 'failed';
  readonly code: ErrorCode;
  readonly message: string;
}

/** What Kafka says about the source and the consumer group of a trigger, and about the topics that it stores to. */
export interface KafkaState {
  readonly source:
    | {
        readonly kind: 'read';
        readonly partitions: number;
        /** How many of them the group has committed an offset for. */
        readonly committed: number;
      }
    | ReadFailure;
  readonly group:
    | {
        readonly kind: 'read';
        readonly members: number;
        /** How many partitions of the source are assigned to a member. */
        readonly assigned: number;
        readonly rebalancing: boolean;
      }
    | ReadFailure;
  /** Since when the source or the group has been unready, without a break; undefined while both are ready. */
  readonly unreadySinceMs: number | undefined;
  /** Undefined if unknown. */
  readonly backlog: bigint | undefined;
  /** The topics that the trigger stores to. */
  readonly stores: readonly StoreTopic[];
}

export interface StoreTopic {
  readonly what: 'dead letters' | 'replies';
  readonly topic: string;
  /** `forbidden`: our user may not describe the topic, or not write to it. */
  readonly state: 'exists' | 'missing' | 'forbidden' | 'unknown';
}

/** The resources with the names that the controller gives, whoever made them. */
export interface OwnedResources {
  readonly service: Resource | undefined;
  readonly scaledObject: Resource | undefined;
}

export type OwnedResourceKey = keyof OwnedResources;

/** Whether the TriggerAuthentication of the namespace, and the ConfigMap that it reads, are as KEDA needs them. */
export type AuthenticationState =
  | { readonly kind: 'ready' }
  /** Somebody else has made one of them. */
  | { readonly kind: 'foreign'; readonly resource: 'ConfigMap' | 'TriggerAuthentication' }
  | {
      readonly kind: 'refused';
      readonly resource: 'ConfigMap' | 'TriggerAuthentication';
      readonly message: string;
    };

/** How KEDA reaches the scaler. */
export interface ScalerAddress {
  /** `host:port`. */
  readonly address: string;
  /** PEM; absent where the scaler serves plain text. */
  readonly ca: string | undefined;
  /** The name that ConfigMap and TriggerAuthentication with `ca` have in each namespace; absent if KEDA needs none there. */
  readonly namespaceAuthentication?: string | undefined;
  /** A ClusterTriggerAuthentication with CA and client certificate for KEDA, which then needs nothing in the namespaces. */
  readonly clusterAuthentication?: string | undefined;
  /** Changes whenever KEDA must read the certificates again. */
  readonly tlsRevision?: string | undefined;
}

/** The condition that a step of the controller is about. */
export type StepCondition = Exclude<ConditionType, 'Ready'>;
/** What failed, in words. */
export type StepFailures = ReadonlyMap<StepCondition, string>;

export interface ObservedState {
  readonly nowMs: number;
  readonly trigger: Resource;
  readonly parsed: ParsedTrigger;
  /** Key of the older trigger that has the consumer group. */
  readonly groupHolder: string | undefined;
  /** Key of the older trigger that the workload is scaled for. */
  readonly workloadHolder: string | undefined;
  /** An annotated Deployment has the trigger's name, but somebody else made the trigger: the annotations have no effect. */
  readonly annotationsIgnored: boolean;
  /** What `function.ref` names; undefined if the trigger names none, or it could not be read. */
  readonly workload: WorkloadReading | undefined;
  /** What `function.service` names; undefined if the trigger names none, or it could not be read. */
  readonly namedService: Resource | 'missing' | undefined;
  readonly owned: OwnedResources;
  /** Why the API server refused to apply a resource, in words. */
  readonly refusals: ReadonlyMap<OwnedResourceKey, string>;
  /** Steps that failed otherwise. */
  readonly failures: StepFailures;
  /** Undefined before the first poll. */
  readonly kafka: KafkaState | undefined;
  readonly hasKeda: boolean;
  /** Whether KEDA's CRD has `fallback.behavior`. That of KEDA 2.16 does not. */
  readonly hasFallbackBehavior: boolean;
  /** Undefined if KEDA cannot reach the scaler, so that nothing is scaled. */
  readonly scaler: ScalerAddress | undefined;
  /** Undefined if it is not needed, or not known yet. */
  readonly authentication: AuthenticationState | undefined;
  /** True if the scaler answered its probe, else the reason why not; undefined before the probe. */
  readonly probeResult: true | string | undefined;
}

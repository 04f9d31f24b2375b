// The status of a Trigger: its conditions (KEP-1623), and the values for the columns of `kubectl get triggers`.

/** `Ready` is true if all others are. */
export const conditionTypes = [
  'Ready',
  'Accepted',
  'SourceReady',
  'FunctionReady',
  'ScalerReady',
  'DeadLetterReady',
] as const;

export type ConditionType = (typeof conditionTypes)[number];
export type ConditionStatus = 'True' | 'False' | 'Unknown';

export interface Condition {
  readonly type: ConditionType;
  readonly status: ConditionStatus;
  /** One word in CamelCase, for machines and the column REASON. */
  readonly reason: string;
  /** For people: what is the case, and what to do. */
  readonly message: string;
  /** RFC 3339; when `status` last changed. */
  readonly lastTransitionTime: string;
  /** The generation of the Trigger that the condition describes. */
  readonly observedGeneration?: number;
}

/** The last version of a Trigger that was accepted. It is what runs while a later edit is wrong, in a new process too. */
export interface AcceptedVersion {
  readonly generation: number;
  /** The spec of the Trigger, as it was written. */
  readonly spec: object;
  /** The resolved spec of the KafkaCluster that it was read with; absent for the cluster of the installation. */
  readonly cluster?: object;
}

export interface TriggerStatus {
  readonly observedGeneration: number;
  readonly conditions: readonly Condition[];
  readonly accepted?: AcceptedVersion;
  /** `orders, payments`, or the pattern. */
  readonly topics: string;
  /** `deployment/order-mailer`, `service/order-mailer`, or the uri. */
  readonly function: string;
  readonly consumerGroup: string;
  /** Coarse, so that not every record leads to a write of the resource: `0`, `1-9`, `10-99`… or `unknown`. */
  readonly backlog: string;
  readonly replicas: number;
}

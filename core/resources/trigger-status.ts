// What a Trigger's status says: its conditions (KEP-1623), and what the columns of `kubectl get triggers` show.

/** Ready is the conjunction of the others. */
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
  /** For people: what is so, and what to do. */
  readonly message: string;
  /** RFC 3339; when `status` last changed. */
  readonly lastTransitionTime: string;
  /** The generation of the Trigger that this was found of. */
  readonly observedGeneration?: number;
}

export interface TriggerStatus {
  readonly observedGeneration: number;
  readonly conditions: readonly Condition[];
  /** `orders, payments`, or the pattern. */
  readonly topics: string;
  /** `deployment/order-mailer`, `service/order-mailer`, or the uri. */
  readonly function: string;
  readonly consumerGroup: string;
  /** Coarse, so that the resource is not written with every record: `0`, `1-9`, `10-99`… or `unknown`. */
  readonly backlog: string;
  readonly replicas: number;
}

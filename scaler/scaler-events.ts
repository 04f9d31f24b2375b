// What happens in the scaler, for whoever watches (metrics, logs): nobody below main.ts knows who that is.
import { EventEmitter } from 'node:events';

/** Name → arguments. `key` is a subscription's `namespace/name`. Listeners must not throw. */
export interface ScalerEvents {
  /** One poll of Kafka for all triggers; `error` where no broker answered. */
  polled: [seconds: number, triggers: number, error: Error | undefined];
  /** Undefined: unknown at this poll. */
  backlog: [key: string, records: bigint | undefined];
  backlogFailed: [key: string, error: Error];
  kafkaRequest: [apiName: string];
  /** `known` is false for a trigger that nobody wants, or not any more. */
  activationCalled: [key: string, known: boolean];
  pushed: [key: string];
  streamOpened: [key: string];
  streamClosed: [key: string];
  /** `validTo`: of the new certificate of the gRPC port. */
  certificateChanged: [validTo: string];
  certificateFailed: [error: Error];
  answered: [method: string, status: string];
}

export type ScalerEmitter = EventEmitter<ScalerEvents>;

/** A component's view of the events: it may emit, never listen. */
export type EmitScaler = ScalerEmitter['emit'];

export function createScalerEmitter(): ScalerEmitter {
  return new EventEmitter();
}

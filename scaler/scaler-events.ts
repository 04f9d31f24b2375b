// The events of the scaler. Metrics and logs listen; only main.ts connects them, so components just emit.
import { EventEmitter } from 'node:events';

/** Name → arguments. `key` is a subscription's `namespace/name`. Listeners must not throw. */
export interface ScalerEvents {
  /** One poll of Kafka for all triggers; `error` if no broker answered. */
  polled: [seconds: number, triggers: number, error: Error | undefined];
  /** `records` is undefined if this poll could not read the backlog. */
  backlog: [key: string, records: bigint | undefined];
  backlogFailed: [key: string, error: Error];
  kafkaRequest: [apiName: string];
  /** `known` is false if the trigger is not wanted. */
  activationCalled: [key: string, known: boolean];
  pushed: [key: string];
  streamOpened: [key: string];
  streamClosed: [key: string];
  /** The gRPC port has a new certificate, which expires at `validTo`. */
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

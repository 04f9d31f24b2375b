// The events of the scaler. Metrics and logs listen; only main.ts connects them, so components just emit.
import { EventEmitter } from 'node:events';
import type { SentRequest } from '../core/contract/kubernetes-client.ts';
import type { ClusterRead } from '../core/kafka/offsets/cluster-reads.ts';

/** Name → arguments. `key` is a subscription's `namespace/name`. Listeners must not throw. */
export interface ScalerEvents {
  /** One read of a Kafka cluster, for all who asked at that time. `isOwn`: of the installation's own cluster. */
  polled: [read: ClusterRead, isOwn: boolean];
  /** `records` is undefined if the backlog could not be read. */
  backlog: [key: string, records: bigint | undefined];
  backlogFailed: [key: string, error: Error];
  /** The progress of a trigger that nobody reads is kept, or `error` says why not. */
  progressKept: [key: string, error: Error | undefined];
  /** A trigger is not wanted any more, or nobody asks about a group: nothing more is told of it. */
  forgotten: [key: string];
  kafkaRequest: [apiName: string];
  kubernetesRequest: [request: SentRequest];
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

// The events of the controller. Metrics listen; whoever starts the controller connects them, so components just emit.
import { EventEmitter } from 'node:events';
import type { StepCondition } from './plan/observed-state.ts';

/** Name → arguments. Listeners must not throw. */
export interface ControllerEvents {
  /** Whether this controller leads, when that changes. */
  led: [isLeading: boolean];
  /** How many triggers and Deployments wait to be reconciled at once. */
  queued: [depth: number];
  reconciled: [kind: 'trigger' | 'deployment', seconds: number, outcome: 'done' | 'failed'];
  /** A status of a Trigger was written. */
  statusWritten: [];
  /** A step for a trigger failed, and its status says so in this condition. */
  stepFailed: [condition: StepCondition];
}

export type ControllerEmitter = EventEmitter<ControllerEvents>;

/** A component's view of the events: it may emit, never listen. */
export type EmitController = ControllerEmitter['emit'];

export function createControllerEmitter(): ControllerEmitter {
  return new EventEmitter();
}

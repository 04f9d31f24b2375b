// Writes the status of Triggers: only when it differs, and not at each change of the traffic. A change of a condition becomes an Event.
import type { Logger } from 'pino';
import { triggerKind } from '../../core/resources/kinds.ts';
import type { KubernetesClient, Resource } from '../../core/contract/kubernetes-client.ts';
import type { ConditionType, TriggerStatus } from '../../core/resources/trigger-status.ts';
import type { EmitController } from '../controller-events.ts';
import { fieldManager, keyOf } from '../ownership.ts';
import { conditionEventsOf } from '../plan/conditions/condition-events.ts';
import { statusOf, whenToWriteStatus } from '../plan/status.ts';
import type { EventRecorder } from './event-recorder.ts';

export interface StatusWriterOptions {
  readonly client: Pick<KubernetesClient, 'apply'>;
  readonly events: EventRecorder;
  readonly log: Logger;
  readonly emit: EmitController;
  /** Throws if this process is no longer the leader. */
  readonly assertLeading: () => void;
}

export interface PlannedStatus {
  readonly status: TriggerStatus;
  /** Messages that had to be cut, as they were: the log has them whole. */
  readonly cut?: readonly { readonly type: ConditionType; readonly message: string }[];
}

export class StatusWriter {
  readonly #options: StatusWriterOptions;
  /** When the status of each trigger was last written, by `performance.now()`. */
  readonly #writtenMs = new Map<string, number>();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** `later`: it differs only in what changes with the traffic, and is not due yet. Rejects if it cannot be written. */
  async write(trigger: Resource, { status, cut = [] }: PlannedStatus): Promise<'now' | 'later' | 'never'> {
    const { client, events, log, emit, assertLeading } = this.#options;
    const key = keyOf(trigger);
    const writtenMs = this.#writtenMs.get(key);
    const sinceMs = writtenMs === undefined ? undefined : performance.now() - writtenMs;
    const due = whenToWriteStatus(trigger, status, sinceMs);
    if (due !== 'now') return due;
    assertLeading();
    for (const { type, message } of cut)
      log.warn({ trigger: key, condition: type, message }, 'condition cut');
    const { name, namespace = '' } = trigger.metadata;
    await client.apply(
      { apiVersion: triggerKind.apiVersion, kind: triggerKind.kind, metadata: { name, namespace }, status },
      { fieldManager, force: true, subresource: 'status' },
    );
    this.#writtenMs.set(key, performance.now());
    emit('statusWritten');
    for (const event of conditionEventsOf(statusOf(trigger).conditions ?? [], status.conditions))
      events.record(trigger, event);
    return 'now';
  }

  forget(key: string): void {
    this.#writtenMs.delete(key);
  }
}

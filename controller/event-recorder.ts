// Kubernetes Events for people. An Event that repeats within ten minutes is counted in the `series` of the first one.
import { createHash } from 'node:crypto';
import { eventKind } from '../core/resources/kinds.ts';
import type { KubernetesClient, Resource } from '../core/contract/kubernetes-client.ts';
import { microTime } from '../core/kubernetes/leader-election.ts';
import type { ConditionEvent } from './plan/condition-events.ts';

export interface EventRecorder {
  /** Does not wait for the API server, and never throws: a lost Event does no harm. */
  record(regarding: Resource, event: ConditionEvent): void;
}

export interface EventRecorderOptions {
  readonly client: Pick<KubernetesClient, 'create' | 'patch'>;
  /** Of this process. */
  readonly instance: string;
  readonly onError: (error: unknown) => void;
  /** Milliseconds; the clock when absent. */
  readonly now?: (() => number) | undefined;
}

/** How long a repeated Event is counted instead of created anew, in ms. */
const seriesMs = 600_000;
/** Shortest time between two writes of one count, in ms. */
const countEveryMs = 30_000;
/** The longest note that the API server accepts. */
const maxNote = 1024;

interface Series {
  readonly name: string;
  count: number;
  sinceMs: number;
  writtenMs: number;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, instance, onError, now = Date.now } = options;
  const series = new Map<string, Series>();

  function forgetExpired(nowMs: number): void {
    for (const [key, one] of series) if (nowMs - one.sinceMs >= seriesMs) series.delete(key);
  }

  async function write(regarding: Resource, event: ConditionEvent): Promise<void> {
    const nowMs = now();
    forgetExpired(nowMs);
    const { namespace = 'default', name, uid = '' } = regarding.metadata;
    const key = [uid, event.reason, event.note].join('\n');
    const known = series.get(key);
    if (known === undefined) {
      const hash = createHash('sha256').update(`${key}\n${nowMs}`).digest('hex').slice(0, 16);
      const created = { name: `${name}.${hash}`, count: 1, sinceMs: nowMs, writtenMs: nowMs };
      series.set(key, created);
      await client.create(eventOf(regarding, event, { name: created.name, namespace, instance, nowMs }));
      return;
    }
    known.count++;
    if (nowMs - known.writtenMs < countEveryMs) return;
    known.writtenMs = nowMs;
    const counted = { count: known.count, lastObservedTime: microTime(new Date(nowMs)) };
    await client.patch(eventKind, namespace, known.name, { series: counted });
  }

  return {
    record(regarding, event) {
      write(regarding, event).catch(onError);
    },
  };
}

interface EventPlace {
  readonly name: string;
  readonly namespace: string;
  readonly instance: string;
  readonly nowMs: number;
}

function eventOf(regarding: Resource, { type, reason, note }: ConditionEvent, place: EventPlace): Resource {
  const { apiVersion, kind, metadata } = regarding;
  const { name, namespace, uid, resourceVersion } = metadata;
  return {
    apiVersion: eventKind.apiVersion,
    kind: eventKind.kind,
    metadata: { name: place.name, namespace: place.namespace },
    eventTime: microTime(new Date(place.nowMs)),
    reportingController: 'millrace.dev/controller',
    reportingInstance: place.instance,
    action: 'Reconcile',
    regarding: { apiVersion, kind, name, namespace, uid, resourceVersion },
    type,
    reason,
    note: note.length <= maxNote ? note : `${note.slice(0, maxNote - 1)}…`,
  };
}

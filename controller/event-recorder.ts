// Kubernetes Events: what a person should know, said once. What is said again soon is counted in the Event that says it.
import { createHash } from 'node:crypto';
import { eventKind } from '../core/resources/kinds.ts';
import type { KubernetesClient, Resource } from '../core/contract/kubernetes-client.ts';
import { microTime } from '../core/kubernetes/leader-election.ts';
import type { ConditionEvent } from './plan/condition-events.ts';

export interface EventRecorder {
  /** Never rejects, and nobody waits for it: an Event that is lost is no harm. */
  record(about: Resource, news: ConditionEvent): void;
}

export interface EventRecorderOptions {
  readonly client: Pick<KubernetesClient, 'create' | 'patch'>;
  /** Of this process. */
  readonly instance: string;
  readonly onTrouble: (error: unknown) => void;
  /** Milliseconds; the clock when absent. */
  readonly now?: (() => number) | undefined;
}

/** For so long the same is counted rather than said again, and the count is written so often at most, in ms. */
const seriesMs = 600_000;
const countEveryMs = 30_000;
/** What the API server takes of a note. */
const maxNote = 1024;

interface Series {
  readonly name: string;
  count: number;
  sinceMs: number;
  writtenMs: number;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, instance, onTrouble, now = Date.now } = options;
  const series = new Map<string, Series>();

  function forgetOld(nowMs: number): void {
    for (const [key, one] of series) if (nowMs - one.sinceMs >= seriesMs) series.delete(key);
  }

  async function write(about: Resource, news: ConditionEvent): Promise<void> {
    const nowMs = now();
    forgetOld(nowMs);
    const { namespace = 'default', name, uid = '' } = about.metadata;
    const key = [uid, news.reason, news.note].join('\n');
    const known = series.get(key);
    if (known === undefined) {
      const hash = createHash('sha256').update(`${key}\n${nowMs}`).digest('hex').slice(0, 16);
      const created = { name: `${name}.${hash}`, count: 1, sinceMs: nowMs, writtenMs: nowMs };
      series.set(key, created);
      await client.create(eventOf(about, news, { name: created.name, namespace, instance, nowMs }));
      return;
    }
    known.count++;
    if (nowMs - known.writtenMs < countEveryMs) return;
    known.writtenMs = nowMs;
    const counted = { count: known.count, lastObservedTime: microTime(new Date(nowMs)) };
    await client.patch(eventKind, namespace, known.name, { series: counted });
  }

  return {
    record(about, news) {
      write(about, news).catch(onTrouble);
    },
  };
}

interface EventPlace {
  readonly name: string;
  readonly namespace: string;
  readonly instance: string;
  readonly nowMs: number;
}

function eventOf(about: Resource, { type, reason, note }: ConditionEvent, place: EventPlace): Resource {
  const { apiVersion, kind, metadata } = about;
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

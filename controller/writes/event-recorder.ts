// Kubernetes Events for people. An Event that repeats within ten minutes is counted in the `series` of the first one.
import { createHash } from 'node:crypto';
import { eventKind } from '../../core/resources/kinds.ts';
import type { KubernetesClient, Resource } from '../../core/contract/kubernetes-client.ts';
import { microTime } from '../../core/kubernetes/leader-election.ts';
import type { ConditionEvent } from '../plan/conditions/condition-events.ts';

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
/** How many Events may wait for the API server. Beyond it they are lost, so that a storm of changes costs no memory. */
const mostWaiting = 1_000;
/** The longest note that the API server accepts, in bytes of UTF-8. */
const maxNoteBytes = 1_024;
/** The longest name of a resource, less the hash of the Event. */
const longestName = 253 - '.0123456789abcdef'.length;

interface Series {
  readonly name: string;
  count: number;
  sinceMs: number;
  writtenMs: number;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, instance, onError, now = Date.now } = options;
  const series = new Map<string, Series>();
  let waiting = 0;

  /** The oldest comes first. */
  function forgetExpired(nowMs: number): void {
    for (const [key, one] of series) {
      if (nowMs - one.sinceMs < seriesMs) break;
      series.delete(key);
    }
  }

  async function write(regarding: Resource, event: ConditionEvent): Promise<void> {
    const nowMs = now();
    forgetExpired(nowMs);
    const { namespace = 'default', name, uid = '' } = regarding.metadata;
    const key = hashOf([uid, event.reason, event.note]);
    const known = series.get(key);
    if (known === undefined) {
      const hash = hashOf([key, String(nowMs)]).slice(0, 16);
      const created = { name: nameOf(name, hash), count: 1, sinceMs: nowMs, writtenMs: nowMs };
      series.set(key, created);
      try {
        await client.create(eventOf(regarding, event, { name: created.name, namespace, instance, nowMs }));
      } catch (error) {
        // There is none to count in.
        series.delete(key);
        throw error;
      }
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
      if (waiting >= mostWaiting) {
        onError(new Error(`${waiting} Events wait already: an Event ${event.reason} is not recorded`));
        return;
      }
      waiting += 1;
      write(regarding, event)
        .catch(onError)
        .finally(() => (waiting -= 1));
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
    note: shortened(note),
  };
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex');
}

/** Cut between two characters. */
function shortened(note: string): string {
  const bytes = Buffer.from(note);
  if (bytes.length <= maxNoteBytes) return note;
  const kept = bytes.subarray(0, maxNoteBytes - Buffer.byteLength('…'));
  // A decoder that expects more leaves out a character that is not complete.
  return `${new TextDecoder().decode(kept, { stream: true })}…`;
}

/** `hash` makes it unique, and the rest tells people what it is about. */
function nameOf(about: string, hash: string): string {
  return `${about.slice(0, longestName).replace(/[^a-z0-9]+$/, '')}.${hash}`;
}

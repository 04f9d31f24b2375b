// The triggers of the benchmarks, as manifests. They have the defaults, except for what a row names.
import { parseManifests } from '../../core/resources/manifests/parse-manifests.ts';
import type { RecordListener } from '../../core/contract/record-source.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { checkExpression } from '../../core/expressions/compile-expression.ts';

export interface BenchTrigger {
  readonly name: string;
  readonly topic: string;
  readonly origin: string;
  readonly initialOffset: 'earliest' | 'latest';
  readonly ordering: 'partition' | 'key' | 'none';
  /** Absent: the default. */
  readonly concurrency?: number | undefined;
  readonly timeout?: string | undefined;
  /** Absent: one event a request. */
  readonly batch?: { readonly maxEvents: number } | undefined;
  readonly reply?: { readonly topic: string; readonly transactional: boolean } | undefined;
}

export function manifestOf(trigger: BenchTrigger): string {
  const { name, topic, origin, initialOffset, ordering, concurrency, timeout, batch, reply } = trigger;
  return JSON.stringify({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'Trigger',
    metadata: { name, namespace: 'bench' },
    spec: {
      source: { topics: [topic], initialOffset },
      function: {
        uri: origin,
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(batch === undefined ? {} : { contentMode: 'batched', batch }),
      },
      delivery: { ordering, ...(timeout === undefined ? {} : { timeout }) },
      ...(reply === undefined ? {} : { reply }),
    },
  });
}

/** Hears of nothing but records, and of faults, which it throws. */
export function readingListener(records: RecordListener['records']): RecordListener {
  return {
    records,
    open: () => undefined,
    close: () => undefined,
    state: () => undefined,
    noticed: () => undefined,
    unreadable: () => undefined,
    failed: (fault) => {
      throw fault;
    },
    resume: () => undefined,
    release: () => Promise.resolve(),
  };
}

export function benchSubscription(
  name: string,
  topic: string,
  initialOffset: BenchTrigger['initialOffset'] = 'earliest',
): Subscription {
  const text = manifestOf({
    name,
    topic,
    origin: 'http://127.0.0.1:9',
    initialOffset,
    ordering: 'none',
  });
  const [subscription] = parseManifests([{ file: 'bench.yaml', text }], checkExpression).subscriptions;
  if (subscription === undefined) throw new Error('the trigger of the benchmark is not valid');
  return subscription;
}

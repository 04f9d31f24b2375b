// A pipeline for tests, between a Kafka in memory and a function on a real socket.
import type { Test } from 'tap';
import type { EndpointSource, Endpoint } from '../../../core/contract/endpoint-source.ts';
import { GatewayEmitter, type GatewayEvents } from '../../../core/contract/gateway-events.ts';
import type { OpenFunctionAccess } from '../../../core/contract/endpoint-source.ts';
import type {
  DeliverySettings,
  FunctionSettings,
  Subscription,
} from '../../../core/contract/subscription.ts';
import { Pipeline } from '../../../gateway/pipeline/pipeline.ts';
import {
  startFunction,
  type Behaviour,
  type FunctionAnswer,
  type FunctionServer,
} from '../../fixtures/function-server.ts';
import { MemoryKafka, type MemoryMember } from '../../fixtures/kafka/memory-kafka.ts';
import { subscriptionOf } from '../../fixtures/subscription.ts';

export interface PipelineChanges {
  readonly function?: Partial<FunctionSettings>;
  readonly delivery?: Partial<DeliverySettings>;
  readonly trigger?: Partial<Pick<Subscription, 'reply' | 'filters' | 'event' | 'source'>>;
  readonly partitions?: readonly number[];
  readonly records?: number;
  readonly bytes?: number;
  readonly drainLimitMs?: number;
  readonly kafka?: MemoryKafka;
  readonly answer?: Behaviour | FunctionAnswer;
  /** Ready from the start; the function's own when absent. */
  readonly endpoints?: readonly Endpoint[];
  /** Requests carry no credentials when absent. */
  readonly openAccess?: OpenFunctionAccess;
}

export interface RunningPipeline {
  readonly kafka: MemoryKafka;
  readonly member: MemoryMember;
  readonly fn: FunctionServer;
  readonly pipeline: Pipeline;
  readonly events: GatewayEmitter;
  readonly wakes: string[];
  /** Teardown fails where there are any. */
  readonly faults: Error[];
  /** Every event so far, by name. */
  seen<K extends keyof GatewayEvents>(name: K): GatewayEvents[K][];
  /** Makes these endpoints the ready ones. */
  ready(endpoints: readonly Endpoint[]): void;
  stop(): Promise<void>;
}

/** Fast: 5 ms between attempts. */
export function quickSubscription({ function: fn, delivery, trigger }: PipelineChanges = {}): Subscription {
  const base = subscriptionOf('quake-alerts', { source: { topics: ['quakes'] } });
  const quick = { retry: 3, backoffDelayMs: 5, backoffMaxMs: 50, timeoutMs: 10_000 };
  return {
    ...base,
    ...trigger,
    function: { ...base.function, ...fn },
    delivery: { ...base.delivery, ...quick, ...delivery },
  };
}

/** Teardown stops the pipeline, and fails where the Kafka in memory saw a violation of its rules. */
export async function runPipeline(t: Test, changes: PipelineChanges = {}): Promise<RunningPipeline> {
  const kafka = changes.kafka ?? new MemoryKafka();
  const events = new GatewayEmitter();
  const log: { name: unknown; args: unknown[] }[] = [];
  const emit = events.emit.bind(events);
  events.emit = (name, ...args) => {
    log.push({ name, args });
    return emit(name, ...args);
  };
  const fn = await startFunction(t, changes.answer);
  const member = kafka.join(events, changes.partitions ?? [0]);
  const wakes: string[] = [];
  let notify: (ready: readonly Endpoint[]) => void = () => undefined;
  const endpoints: EndpointSource = {
    watch: (_subscription, onChange) => {
      notify = onChange;
      onChange(changes.endpoints ?? [{ origin: fn.origin }]);
      return () => (notify = () => undefined);
    },
  };
  const faults: Error[] = [];
  const budget = { records: changes.records ?? 1_000, bytes: changes.bytes ?? 2 ** 24 };
  const pipeline = new Pipeline(
    {
      subscription: quickSubscription(changes),
      budget: () => budget,
      onFault: (fault) => faults.push(fault),
    },
    {
      openCluster: () => ({
        createSource: member.createSource,
        sink: kafka.sink,
        close: () => Promise.resolve(),
      }),
      endpoints,
      openAccess: changes.openAccess ?? (() => undefined),
      activation: { wake: ({ key }) => wakes.push(key) },
      events,
      drainLimitMs: changes.drainLimitMs ?? 5_000,
    },
  );
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= pipeline.stop());
  t.teardown(async () => {
    await stop();
    if (faults.length > 0) throw new AggregateError(faults, 'the pipeline has faults');
    if (kafka.violations.length > 0) throw new Error(kafka.violations.join('; '));
  });
  pipeline.start();
  return {
    kafka,
    member,
    fn,
    pipeline,
    events,
    wakes,
    faults,
    stop,
    seen: (name) => log.filter((one) => one.name === name).map(({ args }) => args) as never,
    ready: (ready) => notify(ready),
  };
}

/** The offsets of the events in the calls of a function, call by call. */
export function offsetsOf(fn: FunctionServer): number[][] {
  return fn.calls.map(({ ids }) => ids.map((id) => Number(id.split(':').at(-1))));
}

// Triggers under a supervisor, each with a Kafka in memory of its own, and one function on a real socket.
import type { Test } from 'tap';
import { GatewayEmitter, type GatewayEvents } from '../../../core/contract/gateway-events.ts';
import type { CreateRecordSource } from '../../../core/contract/record-source.ts';
import type { Subscription } from '../../../core/contract/subscription.ts';
import { Supervisor, type SupervisorOptions } from '../../../gateway/supervision/supervisor.ts';
import { startFunction, type Behaviour, type FunctionServer } from '../../fixtures/function-server.ts';
import { MemoryKafka } from '../../fixtures/kafka/memory-kafka.ts';
import { quickSubscription } from '../pipeline/run-pipeline.ts';

export interface Supervised {
  readonly supervisor: Supervisor;
  readonly fn: FunctionServer;
  readonly events: GatewayEmitter;
  /** `+geo/a` where a partition is opened, `-geo/a` where one is closed. */
  readonly lives: string[];
  readonly faults: GatewayEvents['faulted'][];
  /** Keys of the triggers that ended. */
  readonly ended: string[];
  /** How many of what was opened for triggers is open. */
  readonly open: { clusters: number; watches: number; accesses: number };
  kafkaOf(key: string): MemoryKafka;
  /** Forgets what the test itself remembers. */
  forget(): void;
  states(): Record<string, string>;
}

type Part = 'openCluster' | 'createSource' | 'openAccess' | 'watch';

export interface SupervisedChanges extends Partial<SupervisorOptions> {
  /** Whether what opens `part` for the trigger `key` throws. */
  readonly fails?: (key: string, part: Part) => boolean;
}

export async function supervise(
  t: Test,
  answer?: Behaviour,
  changes: SupervisedChanges = {},
): Promise<Supervised> {
  const { fails, ...options } = changes;
  const fail = (key: string, part: Part): void => {
    if (fails?.(key, part) === true) throw new Error(`${part} fails`);
  };
  const fn = await startFunction(t, answer);
  const kafkas = new Map<string, MemoryKafka>();
  const kafkaOf = (key: string): MemoryKafka => {
    let kafka = kafkas.get(key);
    if (kafka === undefined) kafkas.set(key, (kafka = new MemoryKafka()));
    return kafka;
  };
  const open = { clusters: 0, watches: 0, accesses: 0 };
  const events = new GatewayEmitter((error) => {
    throw error;
  });
  // What the member that a trigger has at present is told: a Kafka in memory judges by it.
  const toMember = new Map<string, GatewayEmitter>();
  events.on('settled', (subscription, ...settled) =>
    toMember.get(subscription.key)?.emit('settled', subscription, ...settled),
  );
  const lives: string[] = [];
  const faults: GatewayEvents['faulted'][] = [];
  const ended: string[] = [];
  events.on('opened', ({ key }) => lives.push(`+${key}`));
  events.on('closed', ({ key }) => lives.push(`-${key}`));
  events.on('faulted', (...fault) => faults.push(fault));
  events.on('ended', ({ key }) => ended.push(key));
  const supervisor = new Supervisor({
    openCluster: ({ key }) => {
      fail(key, 'openCluster');
      open.clusters += 1;
      const emitter = new GatewayEmitter();
      toMember.set(key, emitter);
      const kafka = kafkaOf(key);
      const member = kafka.join(emitter, [0]);
      const createSource: CreateRecordSource = (...given) => {
        fail(key, 'createSource');
        return member.createSource(...given);
      };
      return { createSource, sink: kafka.sink, close: async () => void (open.clusters -= 1) };
    },
    endpoints: {
      watch: ({ key }, onChange) => {
        fail(key, 'watch');
        open.watches += 1;
        onChange([{ origin: fn.origin }]);
        return () => (open.watches -= 1);
      },
    },
    openAccess: ({ key }) => {
      fail(key, 'openAccess');
      open.accesses += 1;
      return {
        missing: undefined,
        tls: undefined,
        authorization: undefined,
        refused: () => undefined,
        close: async () => void (open.accesses -= 1),
      };
    },
    activation: { wake: () => undefined },
    events,
    drainLimitMs: 500,
    perTrigger: { records: 40, bytes: 2 ** 20 },
    inAll: { records: 60, bytes: 2 ** 20 },
    restartMs: { first: 5, longest: 20, calm: 10_000 },
    ...options,
  });
  t.teardown(() => supervisor.stop());
  const states = () => Object.fromEntries(supervisor.snapshot().map(({ key, state }) => [key, state]));
  const forget = (): void => {
    for (const map of [kafkas, toMember]) map.clear();
    for (const list of [fn.calls, lives, faults, ended]) list.length = 0;
  };
  return { supervisor, fn, events, lives, faults, ended, open, kafkaOf, states, forget };
}

export const trigger = (name: string, changes: Partial<Subscription> = {}): Subscription => ({
  ...quickSubscription(),
  key: `geo/${name}`,
  name,
  ...changes,
});

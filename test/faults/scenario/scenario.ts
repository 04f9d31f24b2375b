// What one seed describes: a trigger, its load, and a schedule of faults. Also formats it for people.

import { bounds } from '../bounds.ts';

export type GroupProtocol = 'classic' | 'consumer';

export type Shape = {
  groupProtocol: GroupProtocol;
  ordering: 'partition' | 'key' | 'none';
  contentMode: 'binary' | 'batched';
  partitions: number;
  gateways: number;
  /** Attempts after the first. -1: unlimited. */
  retry: number;
  timeoutMs: number;
  concurrency: number;
  deadLetter: boolean;
  filters: boolean;
  /** How long the healthy function takes to answer. */
  answerMs: number;
  load: { keys: number; perRequest: number; pauseMs: number };
};

export type BrokerRole = 'leader' | 'coordinator' | 'controller';
export type NetworkEffect = 'delay' | 'stall' | 'cut' | 'half-close' | 'refuse';

export type BrokerFault =
  | { kind: 'broker-kill' | 'broker-pause'; broker: BrokerRole; forMs: number }
  | { kind: 'broker-rolling-restart' | 'leader-move' | 'coordinator-move' }
  | { kind: 'kafka-outage'; forMs: number }
  | { kind: 'min-isr-loss'; of: 'source' | 'offsets'; forMs: number };

export type GatewayFault =
  | { kind: 'gateway-rolling-restart' }
  | { kind: 'gateway-kill' | 'gateway-pause'; gateway: number; forMs: number }
  | { kind: 'gateway-join'; forMs: number };

export type FunctionFault =
  | { kind: 'function-answers'; status: 429 | 500 | 503; forMs: number }
  | {
      kind:
        | 'function-hang'
        | 'function-slow'
        | 'function-late'
        | 'function-reset'
        | 'function-crash'
        | 'function-scale-down'
        | 'function-away';
      forMs: number;
    };

export type DeadLetterFault = {
  kind: 'dead-letter-missing' | 'dead-letter-too-small' | 'dead-letter-unauthorised' | 'dead-letter-full';
  forMs: number;
};

export type NetworkFault = {
  kind: 'kafka-network' | 'function-network';
  effect: NetworkEffect;
  direction: 'up' | 'down' | 'both';
  gateway: number | 'all';
  forMs: number;
};

/**
 * One part of what the trigger reads is in trouble: its second topic, or one broker as gateways see it. Meanwhile a gateway joins and
 * leaves, or leaves and comes back, so that partitions are opened while the part is in trouble.
 */
export type PartFault = { forMs: number; rebalance: 'join' | 'restart' } & (
  | { kind: 'topic-leaderless'; brokerId: number }
  | { kind: 'topic-unauthorised' | 'topic-recreated' | 'broker-hang' | 'client-throttled' }
  | { kind: 'broker-slow'; broker: BrokerRole }
);

export type Fault = BrokerFault | GatewayFault | FunctionFault | DeadLetterFault | NetworkFault;

export type Track = 'kafka' | 'gateways' | 'function' | 'dead letter' | 'Kafka network' | 'function network';
export type Step = { afterMs: number; fault: Fault };

export type Scenario = {
  seed: number;
  shape: Shape;
  /** The steps of one track run one after another. Tracks run in parallel. */
  tracks: { track: Track; steps: Step[] }[];
  /** Runs alone, when the tracks are over: everything but this part must go on. */
  part?: PartFault;
};

/** The kinds of faults of a scenario. */
export function faultNames({ tracks, part }: Scenario): string[] {
  const names = tracks.flatMap(({ steps }) => steps.map(({ fault }) => faultName(fault)));
  return part === undefined ? names : [...names, part.kind];
}

/** The kind of fault, for counting which kinds the seeds have covered. */
function faultName(fault: Fault): string {
  switch (fault.kind) {
    case 'broker-kill':
    case 'broker-pause':
      return `${fault.kind} ${fault.broker}`;
    case 'min-isr-loss':
      return `${fault.kind} ${fault.of}`;
    case 'function-answers':
      return `${fault.kind} ${fault.status}`;
    case 'kafka-network':
    case 'function-network':
      return `${fault.kind} ${fault.effect}`;
    case 'gateway-pause':
      return `${fault.kind}${fault.forMs >= bounds.pastSessionMs ? ' past the session' : ''}`;
    default:
      return fault.kind;
  }
}

export function describeFault(fault: Fault): string {
  const parts = [faultName(fault)];
  if (fault.kind === 'gateway-kill' || fault.kind === 'gateway-pause')
    parts.push(`gateway ${fault.gateway + 1}`);
  if (fault.kind === 'kafka-network' || fault.kind === 'function-network') {
    if (fault.effect !== 'cut' && fault.effect !== 'refuse') parts.push(fault.direction);
    parts.push(fault.gateway === 'all' ? 'all gateways' : `gateway ${fault.gateway + 1}`);
  }
  if ('forMs' in fault) parts.push(`for ${seconds(fault.forMs)}`);
  return parts.join(', ');
}

/** The trigger in one line, without the schedule. */
export function describeShape(shape: Shape): string {
  const { groupProtocol, ordering, contentMode, partitions, gateways, retry, concurrency, answerMs, load } =
    shape;
  return [
    `${ordering} ${contentMode}`,
    `${groupProtocol} protocol`,
    `${partitions} partitions`,
    `${gateways} ${gateways === 1 ? 'gateway' : 'gateways'}`,
    `retry ${retry}`,
    `concurrency ${concurrency}`,
    ...(shape.deadLetter ? ['dead letter'] : []),
    ...(shape.filters ? ['filters'] : []),
    `answers in ${answerMs} ms`,
    `${load.perRequest} records every ${load.pauseMs} ms, ${load.keys} keys`,
  ].join(', ');
}

export function describePart(part: PartFault): string {
  const where =
    part.kind === 'broker-slow'
      ? `, ${part.broker}`
      : part.kind === 'topic-leaderless'
        ? `, broker ${part.brokerId}`
        : '';
  return `${part.kind}${where}, for ${seconds(part.forMs)}, a gateway ${part.rebalance}s`;
}

export function describeScenario({ seed, shape, tracks, part }: Scenario): string[] {
  const steps = tracks.flatMap(({ track, steps: list }) =>
    list.map(({ afterMs, fault }, index) => {
      const name = index === 0 ? track : '';
      return `  ${name.padEnd(19)} +${seconds(afterMs)}  ${describeFault(fault)}`;
    }),
  );
  const last = part === undefined ? [] : [`  ${'part'.padEnd(19)} at last  ${describePart(part)}`];
  return [`seed ${seed}: ${describeShape(shape)}`, ...steps, ...last];
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

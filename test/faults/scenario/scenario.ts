// What one seed describes: a trigger, its load, and a schedule of faults. Also formats it for people.

import { bounds } from '../bounds.ts';

export type Shape = {
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

export type Fault = BrokerFault | GatewayFault | FunctionFault | DeadLetterFault | NetworkFault;

export type Track = 'kafka' | 'gateways' | 'function' | 'dead letter' | 'Kafka network' | 'function network';
export type Step = { afterMs: number; fault: Fault };

export type Scenario = {
  seed: number;
  shape: Shape;
  /** The steps of one track run one after another. Tracks run in parallel. */
  tracks: { track: Track; steps: Step[] }[];
};

/** The kind of fault, for counting which kinds the seeds have covered. */
export function faultName(fault: Fault): string {
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
  const { ordering, contentMode, partitions, gateways, retry, concurrency, answerMs, load } = shape;
  return [
    `${ordering} ${contentMode}`,
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

export function describeScenario({ seed, shape, tracks }: Scenario): string[] {
  const steps = tracks.flatMap(({ track, steps: list }) =>
    list.map(({ afterMs, fault }, index) => {
      const name = index === 0 ? track : '';
      return `  ${name.padEnd(19)} +${seconds(afterMs)}  ${describeFault(fault)}`;
    }),
  );
  return [`seed ${seed}: ${describeShape(shape)}`, ...steps];
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

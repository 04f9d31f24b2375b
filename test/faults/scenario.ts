// What one seed means: a trigger, its load, and faults in time; and how that reads.

import { bounds } from './bounds.ts';

export type Shape = {
  ordering: 'partition' | 'key' | 'none';
  contentMode: 'binary' | 'batched';
  partitions: number;
  gateways: number;
  /** Attempts after the first; -1: for ever. */
  retry: number;
  timeoutMs: number;
  concurrency: number;
  deadLetter: boolean;
  filters: boolean;
  /** The function takes this long for an answer, when it is well. */
  answerMs: number;
  load: { keys: number; perRequest: number; pauseMs: number };
};

export type BrokerRole = 'leader' | 'coordinator' | 'controller';
export type NetTrouble = 'delay' | 'stall' | 'cut' | 'half-close' | 'refuse';

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

export type NetFault = {
  kind: 'kafka-net' | 'function-net';
  trouble: NetTrouble;
  direction: 'up' | 'down' | 'both';
  gateway: number | 'all';
  forMs: number;
};

export type Fault = BrokerFault | GatewayFault | FunctionFault | DeadLetterFault | NetFault;

export type Track =
  'kafka' | 'gateways' | 'function' | 'dead letter' | 'way to Kafka' | 'way to the function';
export type Step = { afterMs: number; fault: Fault };

export type Scenario = {
  seed: number;
  shape: Shape;
  /** The steps of a track follow one another; tracks run side by side. */
  tracks: { track: Track; steps: Step[] }[];
};

/** What kind of fault this is, for the count of those that were tried. */
export function faultName(fault: Fault): string {
  switch (fault.kind) {
    case 'broker-kill':
    case 'broker-pause':
      return `${fault.kind} ${fault.broker}`;
    case 'min-isr-loss':
      return `${fault.kind} ${fault.of}`;
    case 'function-answers':
      return `${fault.kind} ${fault.status}`;
    case 'kafka-net':
    case 'function-net':
      return `${fault.kind} ${fault.trouble}`;
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
  if (fault.kind === 'kafka-net' || fault.kind === 'function-net') {
    if (fault.trouble !== 'cut' && fault.trouble !== 'refuse') parts.push(fault.direction);
    parts.push(fault.gateway === 'all' ? 'all gateways' : `gateway ${fault.gateway + 1}`);
  }
  if ('forMs' in fault) parts.push(`for ${seconds(fault.forMs)}`);
  return parts.join(', ');
}

/** In one line: the trigger, not the schedule. */
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

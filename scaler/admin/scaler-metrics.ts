// The scaler's metrics, fed by its events. Label values are bounded: wanted triggers, names of requests, and methods.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { ControllerEmitter } from '../../controller/controller-events.ts';
import { MillraceError } from '../../core/contract/errors.ts';
import type { ScalerEmitter } from '../scaler-events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';
import { addControllerMetrics } from './controller-metrics.ts';

/**
 * A registry that counts `events`. The backlog series of a trigger is removed when the trigger is no longer wanted, or while its
 * backlog is unknown.
 */
export function createScalerMetrics(
  events: ScalerEmitter,
  controllerEvents: ControllerEmitter,
  triggers: WantedTriggers,
): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addControllerMetrics(registry, controllerEvents);
  const registers = [registry];

  const wanted = new Gauge({
    name: 'millrace_scaler_triggers',
    help: 'Triggers that are wanted now.',
    registers,
  });
  triggers.onChange(() => wanted.set(triggers.count));
  watchBacklog(events, triggers, registers);
  watchActivation(events, registers);

  const polls = counter(
    'polls_total',
    'Reads of offsets from a Kafka cluster, each for all triggers that were asked about at that time, by outcome.',
    ['outcome'],
    registers,
  );
  const seconds = new Histogram({
    name: 'millrace_scaler_poll_seconds',
    help: 'Seconds that such a read takes.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  });
  events.on('polled', (read) => {
    polls.inc({ outcome: read.error === undefined ? 'answered' : 'unreachable' });
    seconds.observe(read.seconds);
  });
  const requests = counter('kafka_requests_total', 'Requests to Kafka, by name.', ['api'], registers);
  events.on('kafkaRequest', (api) => requests.inc({ api }));
  const toKubernetes = counter(
    'kubernetes_requests_total',
    'Requests to the API server of Kubernetes, by verb, resource and HTTP status.',
    ['verb', 'resource', 'status'],
    registers,
  );
  events.on('kubernetesRequest', ({ verb, plural, status }) =>
    toKubernetes.inc({ verb, resource: plural, status: String(status ?? 'none') }),
  );
  const answers = counter(
    'grpc_requests_total',
    'Calls of KEDA that were answered.',
    ['method', 'status'],
    registers,
  );
  events.on('answered', (method, status) => answers.inc({ method, status }));
  return registry;
}

function watchBacklog(events: ScalerEmitter, triggers: WantedTriggers, registers: Registry[]): void {
  const labelNames = ['namespace', 'trigger'] as const;
  const backlog = new Gauge({
    name: 'millrace_scaler_backlog_records',
    help: 'Backlog of a trigger in records, as it was when somebody last asked; absent while unknown.',
    labelNames,
    registers,
  });
  events.on('backlog', (key, records) => {
    if (records === undefined || triggers.find(key) === undefined) backlog.remove(labelsOf(key));
    else backlog.set(labelsOf(key), Number(records));
  });
  const errors = counter(
    'backlog_errors_total',
    'Backlogs that could not be read, by the cause.',
    ['code'],
    registers,
  );
  events.on('backlogFailed', (_key, error) => errors.inc({ code: codeOf(error) }));
  triggers.onChange(({ gone }) => {
    for (const key of gone) backlog.remove(labelsOf(key));
  });
}

function watchActivation(events: ScalerEmitter, registers: Registry[]): void {
  const calls = counter(
    'activation_calls_total',
    'Triggers named in activation calls.',
    ['known'],
    registers,
  );
  events.on('activationCalled', (_key, known) => calls.inc({ known: String(known) }));
  const streams = new Gauge({
    name: 'millrace_scaler_push_streams',
    help: 'Open StreamIsActive streams.',
    registers,
  });
  events.on('streamOpened', () => streams.inc());
  events.on('streamClosed', () => streams.dec());
  const pushes = counter(
    'pushes_total',
    'Times that a listener was notified of an active trigger.',
    [],
    registers,
  );
  events.on('pushed', () => pushes.inc());
}

function counter<T extends string>(
  name: string,
  help: string,
  labelNames: T[],
  registers: Registry[],
): Counter<T> {
  return new Counter({ name: `millrace_scaler_${name}`, help, labelNames, registers });
}

function labelsOf(key: string): { namespace: string; trigger: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), trigger: key.slice(slash + 1) };
}

/** The innermost code: the cause of an unknown backlog. */
function codeOf(error: unknown): string {
  if (!(error instanceof MillraceError)) return 'none';
  return error.cause instanceof MillraceError ? codeOf(error.cause) : error.code;
}

// What the gateway logs of its events: what an operator should know. Payloads, keys and header values never reach the log.
import type { Logger } from 'pino';
import { errorFields } from '../../core/contract/errors.ts';
import { skipCommand, type UnreadableBatch } from '../../core/contract/skip.ts';
import type { GatewayEmitter } from '../../core/contract/gateway-events.ts';
import type { SourceNotice, SourceState } from '../../core/contract/record-source.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { faultFields } from '../../core/process/fault-fields.ts';
import { masked } from '../../core/process/masked-reason.ts';

export function logEvents(events: GatewayEmitter, log: Logger): void {
  logSources(events, log);
  logFilters(events, log);
  logEndpoints(events, log);
  logDeliveries(events, log);
  logBlocks(events, log);
  logFaults(events, log);
}

function logSources(events: GatewayEmitter, log: Logger): void {
  const lastReason = new Map<string, string>();
  const failures = new Map<string, Error>();
  events.on('sourceState', (subscription, state) => {
    // A lasting cause is logged once, not at each attempt.
    const text = stateText(state);
    if (
      lastReason.get(subscription.key) === text ||
      (state.kind === 'starting' && lastReason.has(subscription.key))
    )
      return;
    lastReason.set(subscription.key, text);
    const failure = failures.get(subscription.key);
    failures.delete(subscription.key);
    if (state.kind === 'failing') {
      failures.set(subscription.key, state.error);
      log.warn({ ...of(subscription), ...errorFields(state.error) }, 'source failing, trying again');
    } else if (failure === undefined) {
      log.info(of(subscription), text);
    } else {
      log.info({ ...of(subscription), recovered: true }, `${recoveryText(failure)}: ${text}`);
    }
  });
  events.on('ended', ({ key }) => lastReason.delete(key));
  events.on('sourceNotice', (subscription, notice) => {
    const { level, message, fields } = noticeText(notice);
    log[level]({ ...of(subscription), ...fields }, message);
  });
  events.on('opened', (subscription, partition, nextOffset) =>
    log.debug(
      { ...of(subscription), ...partition, name: undefined, offset: String(nextOffset) },
      'partition opened',
    ),
  );
  events.on('closed', (subscription, { topic, partition }) =>
    log.debug({ ...of(subscription), topic, partition }, 'partition closed'),
  );
  events.on('commitFailed', (subscription, error) =>
    log.warn(
      { ...of(subscription), ...errorFields(error) },
      'commit failed, the next one includes its offsets',
    ),
  );
  events.on('paused', (subscription, { topic, partition }, paused) =>
    log.debug(
      { ...of(subscription), topic, partition },
      paused ? 'partition is paused: the buffer is full' : 'partition is fetched again',
    ),
  );
}

/** After this time, in ms, the log repeats a mistake in a filter, with how often it happened: an expression may fail on every event. */
const repeatMs = 60_000;

function logFilters(events: GatewayEmitter, log: Logger): void {
  const byTrigger = new Map<string, Map<string, { untilMs: number; more: number }>>();
  events.on('ended', ({ key }) => byTrigger.delete(key));
  events.on('filterFailed', (subscription, { path, dialect, code }) => {
    const key = `${path} ${dialect} ${code}`;
    let logged = byTrigger.get(subscription.key);
    if (logged === undefined)
      byTrigger.set(subscription.key, (logged = new Map<string, { untilMs: number; more: number }>()));
    const last = logged.get(key);
    const nowMs = performance.now();
    if (last !== undefined && nowMs < last.untilMs) {
      last.more += 1;
      return;
    }
    logged.set(key, { untilMs: nowMs + repeatMs, more: 0 });
    log.warn(
      { ...of(subscription), filter: path, dialect, reason: code, more: last?.more },
      'filter cannot be evaluated, so the event does not pass it: `millrace try` shows why',
    );
  });
}

function logEndpoints(events: GatewayEmitter, log: Logger): void {
  events.on('endpoints', (subscription, ready) =>
    log.info({ ...of(subscription), ready }, 'ready endpoints changed'),
  );
  events.on('unreachable', (subscription, origin, { code, reason }) => {
    const facts = { ...of(subscription), origin, reason: masked(reason) };
    if (code === 'MILLRACE_ADDRESS_REFUSED')
      log.warn(
        { ...facts, code },
        'function.uri leads to an address that is not allowed: the gateway does not connect to it',
      );
    else if (code === 'MILLRACE_FUNCTION_TLS_FAILED')
      log.warn({ ...facts, code }, 'TLS with the function failed: its records are held until it works');
    else log.info(facts, 'endpoint takes no connection: it gets no requests until it does');
  });
  events.on('circuitOpened', (subscription, origin) =>
    log.warn({ ...of(subscription), origin }, 'endpoint keeps failing: it gets no requests for a while'),
  );
  events.on('circuitClosed', (subscription, origin) =>
    log.info({ ...of(subscription), origin, recovered: true }, 'endpoint answers again'),
  );
}

function logDeliveries(events: GatewayEmitter, log: Logger): void {
  events.on('held', (subscription, missing) => {
    if (missing === undefined) log.info(of(subscription), 'no endpoint is ready: records are held');
    else
      log.info(
        { ...of(subscription), reason: missing },
        'credentials for the function are missing: records are held',
      );
  });
  events.on('released', (subscription) => log.info(of(subscription), 'records flow again'));
  events.on('retrying', (subscription, record, attempts, delayMs, reason) =>
    log.debug(
      { ...of(subscription), ...at(record), attempts, delayMs, reason: masked(reason) },
      'attempt failed, trying again',
    ),
  );
  events.on('bisected', (subscription, size, reason) =>
    log.debug(
      { ...of(subscription), events: size, reason: masked(reason) },
      'batch failed as a whole, trying its halves',
    ),
  );
  events.on('deadLettered', (subscription, record, cause, storedAt) =>
    log.warn(
      {
        ...of(subscription),
        ...at(record),
        reason: cause.reason,
        detail: masked(cause.detail),
        attempts: cause.attempts,
        deadLetter: at(storedAt),
      },
      'record dead-lettered',
    ),
  );
  events.on('storeFailed', (subscription, record, what, error) =>
    log.error(
      { ...of(subscription), ...at(record), ...errorFields(error) },
      `${what} could not be stored, trying again`,
    ),
  );
}

function logBlocks(events: GatewayEmitter, log: Logger): void {
  events.on('blocked', (subscription, record, reason) =>
    log.error(
      { ...of(subscription), ...at(record), reason: masked(reason) },
      `record blocks its lane: fix the function, give the trigger a dead-letter topic, or: ${skipCommand(subscription.key, record)}`,
    ),
  );
  events.on('congested', (subscription, { topic, partition }, { lanes, items }, congested) => {
    const facts = { ...of(subscription), topic, partition, parkedLanes: lanes, parkedRecords: items };
    if (congested) log.warn(facts, 'partition is not fetched: too many of its records wait behind failures');
    else
      log.info(
        { ...facts, recovered: true },
        'partition may be fetched again: fewer records wait behind failures',
      );
  });
  events.on('unreadable', (subscription, batch) =>
    log.error(
      { ...of(subscription), ...batchFields(batch) },
      `batch cannot be read, and its partition waits: if another replica has it whole, make that one the leader, or: ${skipCommand(subscription.key, batch)}`,
    ),
  );
  events.on('passed', (subscription, batch) =>
    log.info({ ...of(subscription), ...batchFields(batch), recovered: true }, 'partition goes on'),
  );
  events.on('skipped', (subscription, { by, reason }, { record, batch, attempts, cause, deadLetter }) =>
    log.warn(
      {
        ...of(subscription),
        ...(batch === undefined ? at(record) : batchFields(batch)),
        by,
        reason,
        keyBytes: record.key?.length,
        valueBytes: batch?.size ?? record.value?.length,
        attempts,
        cause: cause?.reason,
        detail: cause === undefined ? undefined : masked(cause.detail),
        deadLetter: deadLetter === undefined ? undefined : at(deadLetter),
      },
      batch === undefined ? 'record skipped' : 'batch skipped',
    ),
  );
  events.on('unblocked', (subscription, record) =>
    log.info({ ...of(subscription), ...at(record), recovered: true }, 'lane flows again'),
  );
}

function recoveryText(failure: Error): string {
  const { code } = errorFields(failure);
  return code === 'MILLRACE_KAFKA_UNREACHABLE' ? 'Kafka answers again' : 'source works again';
}

function logFaults(events: GatewayEmitter, log: Logger): void {
  events.on('faulted', (subscription, fault, restartMs) =>
    log.error(
      { ...of(subscription), ...faultFields(fault), restartMs },
      restartMs === undefined
        ? 'a fault of the gateway: the trigger was ending anyway'
        : 'a fault of the gateway stopped the trigger: it starts again from its committed offsets',
    ),
  );
}

/** What a listener of the events throws: logged once for each event, because it may throw each time. */
export function logListenerFaults(log: Logger): (thrown: unknown, event: string) => void {
  const logged = new Set<string>();
  return (thrown, event) => {
    if (logged.has(event)) return;
    logged.add(event);
    try {
      log.error({ event, ...faultFields(thrown) }, 'a metric or log failed: records go on');
    } catch {
      // The log itself is what fails.
    }
  };
}

function of({ key }: Subscription): { trigger: string } {
  return { trigger: key };
}

function at({ topic, partition, offset }: Pick<KafkaRecord, 'topic' | 'partition' | 'offset'>): object {
  return { topic, partition, offset: String(offset) };
}

function batchFields({ lastOffset, why, ...place }: Omit<UnreadableBatch, 'bytes' | 'size'>): object {
  return { ...at(place), ...(lastOffset !== undefined && { lastOffset: String(lastOffset) }), reason: why };
}

function noticeText(notice: SourceNotice): { level: 'info' | 'warn'; message: string; fields: object } {
  switch (notice.kind) {
    case 'rebuilt': {
      const { reason, detail } = notice;
      const level = reason === 'topics' ? 'info' : 'warn';
      return { level, message: 'the gateway builds a new Kafka client', fields: { reason, detail } };
    }
    case 'skipped':
      return {
        level: 'warn',
        message: 'Kafka deleted records before they were read: going on from the first record that exists',
        fields: { ...at(notice.at), offsets: String(notice.count) },
      };
    case 'recreated': {
      const { topic, before, now } = notice;
      return {
        level: 'warn',
        message: 'topic was deleted and created again: reading it from its start',
        fields: { topic, idBefore: before, idNow: now },
      };
    }
    case 'unproved':
      return {
        level: 'warn',
        message:
          'nothing proves that the progress mark is of this log: records that it calls settled are delivered again',
        fields: { ...at(notice.at), records: String(notice.count ?? 'unknown') },
      };
    case 'reset':
      return {
        level: 'warn',
        message:
          'the committed offset lies beyond the end of the log, as if the topic were another one: starting at `initialOffset`',
        fields: { ...at(notice.at), position: String(notice.position) },
      };
    case 'truncated':
      return {
        level: 'warn',
        message: 'brokers lost the end of the log: reading again what came after the last record',
        fields: { ...at(notice.at), position: String(notice.position) },
      };
  }
}

function stateText(state: SourceState): string {
  switch (state.kind) {
    case 'starting':
      return `starting: ${state.reason}`;
    case 'consuming':
      return `consuming ${state.partitions.length} partitions`;
    case 'failing':
      return `failing: ${state.reason}`;
  }
}

// The gateway's log: what an operator should know, from its events. Payloads, keys and header values never reach it.
import type { EventEmitter } from 'node:events';
import { pino, type DestinationStream, type Logger } from 'pino';
import { describeError } from '../../core/contract/errors.ts';
import { skipCommand } from '../../core/contract/skip.ts';
import type { GatewayEvents } from '../../core/contract/gateway-events.ts';
import type { SourceNotice, SourceState } from '../../core/contract/record-source.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import type { Subscription } from '../../core/contract/subscription.ts';
import { redactedPaths } from '../../core/process/redacted-fields.ts';
import { masked } from './masked-reason.ts';

/**
 * A JSON log to `destination`; on standard error when absent, as standard output belongs to what a command prints.
 */
export function createLog(level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: [...redactedPaths], censor: '[redacted]' },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}

export function logEvents(events: EventEmitter<GatewayEvents>, log: Logger): void {
  logSources(events, log);
  logFilters(events, log);
  logDeliveries(events, log);
  logBlocks(events, log);
}

function logSources(events: EventEmitter<GatewayEvents>, log: Logger): void {
  const lastReason = new Map<string, string>();
  events.on('sourceState', (subscription, state) => {
    // A cause that lasts is told once, not at each try.
    const text = stateText(state);
    if (
      lastReason.get(subscription.key) === text ||
      (state.kind === 'starting' && lastReason.has(subscription.key))
    )
      return;
    lastReason.set(subscription.key, text);
    if (state.kind === 'failing') {
      const { error } = state;
      log.warn(
        { ...of(subscription), code: 'code' in error ? error.code : undefined, reason: describeError(error) },
        'source failing, trying again',
      );
    } else {
      log.info(of(subscription), text);
    }
  });
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
      { ...of(subscription), reason: describeError(error) },
      'commit failed, its offsets go with the next one',
    ),
  );
  events.on('paused', (subscription, { topic, partition }, paused) =>
    log.debug(
      { ...of(subscription), topic, partition },
      paused ? 'partition paused: the buffer is full' : 'partition fetched again',
    ),
  );
}

/** The same is told again after this time, in ms, with how often it was: an expression may err on every event. */
const repeatMs = 60_000;

function logFilters(events: EventEmitter<GatewayEvents>, log: Logger): void {
  const told = new Map<string, { untilMs: number; more: number }>();
  events.on('filterFailed', (subscription, { path, dialect, code }) => {
    const key = `${subscription.key} ${path} ${dialect} ${code}`;
    const last = told.get(key);
    const nowMs = performance.now();
    if (last !== undefined && nowMs < last.untilMs) {
      last.more += 1;
      return;
    }
    told.set(key, { untilMs: nowMs + repeatMs, more: 0 });
    log.warn(
      { ...of(subscription), filter: path, dialect, reason: code, more: last?.more },
      'filter cannot be evaluated, so that the event does not pass it: `millrace try` tells why',
    );
  });
}

function logDeliveries(events: EventEmitter<GatewayEvents>, log: Logger): void {
  events.on('endpoints', (subscription, ready) =>
    log.info({ ...of(subscription), ready }, 'ready endpoints changed'),
  );
  events.on('unreachable', (subscription, origin, { code, reason }) => {
    const facts = { ...of(subscription), origin, reason: masked(reason) };
    if (code === 'MILLRACE_ADDRESS_REFUSED')
      log.warn({ ...facts, code }, 'function.uri leads where no function is: it is not connected to');
    else if (code === 'MILLRACE_FUNCTION_TLS_FAILED')
      log.warn({ ...facts, code }, 'no TLS with the function: its records are held until there is');
    else log.info(facts, 'endpoint takes no connection: it is left alone until it does');
  });
  events.on('circuitOpened', (subscription, origin) =>
    log.warn({ ...of(subscription), origin }, 'endpoint keeps failing: it is left alone for a while'),
  );
  events.on('circuitClosed', (subscription, origin) =>
    log.info({ ...of(subscription), origin }, 'endpoint answers again'),
  );
  events.on('held', (subscription, lack) => {
    if (lack === undefined) log.info(of(subscription), 'no endpoint is ready: records are held');
    else log.info({ ...of(subscription), reason: lack }, 'nothing to show to the function: records are held');
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
      'batch failed as a whole, its halves go again',
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
      { ...of(subscription), ...at(record), reason: describeError(error) },
      `${what} could not be stored, trying again`,
    ),
  );
}

function logBlocks(events: EventEmitter<GatewayEvents>, log: Logger): void {
  events.on('blocked', (subscription, record, reason) =>
    log.error(
      { ...of(subscription), ...at(record), reason: masked(reason) },
      `record blocks its lane: mend the function, give the trigger a dead-letter topic, or: ${skipCommand(subscription.key, record)}`,
    ),
  );
  events.on('congested', (subscription, { topic, partition }, { lanes, items }, congested) => {
    const facts = { ...of(subscription), topic, partition, parkedLanes: lanes, parkedRecords: items };
    if (congested) log.warn(facts, 'partition not fetched: too much of it waits behind failures');
    else log.info(facts, 'less waits behind failures: the partition may be fetched again');
  });
  events.on('skipped', (subscription, { by, reason }, { record, attempts, cause, deadLetter }) =>
    log.warn(
      {
        ...of(subscription),
        ...at(record),
        by,
        reason,
        keyBytes: record.key?.length,
        valueBytes: record.value?.length,
        attempts,
        cause: cause?.reason,
        detail: cause === undefined ? undefined : masked(cause.detail),
        deadLetter: deadLetter === undefined ? undefined : at(deadLetter),
      },
      'record skipped',
    ),
  );
  events.on('unblocked', (subscription, record) =>
    log.info({ ...of(subscription), ...at(record) }, 'lane flows again'),
  );
}

function of({ key }: Subscription): { trigger: string } {
  return { trigger: key };
}

function at({ topic, partition, offset }: Pick<KafkaRecord, 'topic' | 'partition' | 'offset'>): object {
  return { topic, partition, offset: String(offset) };
}

function noticeText(notice: SourceNotice): { level: 'info' | 'warn'; message: string; fields: object } {
  switch (notice.kind) {
    case 'rebuilt': {
      const { reason, detail } = notice;
      const level = reason === 'topics' ? 'info' : 'warn';
      return { level, message: 'Kafka client is built anew', fields: { reason, detail } };
    }
    case 'skipped':
      return {
        level: 'warn',
        message: 'history was deleted before it was read: on from the first record there is',
        fields: { ...at(notice.at), offsets: String(notice.count) },
      };
    case 'recreated': {
      const { topic, before, now } = notice;
      return {
        level: 'warn',
        message: 'topic was deleted and created again: it is read from its start',
        fields: { topic, idBefore: before, idNow: now },
      };
    }
    case 'truncated':
      return {
        level: 'warn',
        message: 'brokers lost the end of the log: what came after the last record is read again',
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

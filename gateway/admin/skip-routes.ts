// The routes that list blocked records and skip a record, or a batch that cannot be read: `GET /v1/triggers/:namespace/:name/blocked` and `POST …/skip`.
// `route-access.ts` says who may call them.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CloudEvent } from '../../core/contract/event.ts';
import type { KafkaRecord } from '../../core/contract/record.ts';
import type {
  BlockedRecord,
  Place,
  SkipAnswer,
  SkipRequest,
  SkipTrace,
  UnreadableBatch,
} from '../../core/contract/skip.ts';
import { problem } from '../../core/access/http-server.ts';
import { masked } from '../../core/process/masked-reason.ts';
import { routeAccess } from './route-access.ts';

export interface SkipRouteOptions {
  readonly skip: (key: string, request: SkipRequest) => Promise<SkipAnswer>;
  /** Undefined where the trigger does not run here. */
  readonly blocked: (key: string, limit: number) => readonly BlockedRecord[] | undefined;
}

const maxListed = 100;
const maxBodyBytes = 16 << 10;
const maxReason = 500;
/** How long an answer waits for an attempt in flight to end, or for a dead letter to be stored, in ms. */
const waitMs = 10_000;

interface Params {
  readonly namespace: string;
  readonly name: string;
}

interface Body {
  readonly topic?: string;
  readonly partition: number;
  readonly offset: string;
  readonly reason?: string;
  readonly deadLetter?: boolean;
}

const bodySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['partition', 'offset'],
  properties: {
    topic: { type: 'string', minLength: 1, maxLength: 249 },
    partition: { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 },
    offset: { type: 'string', pattern: '^\\d{1,19}$' },
    reason: { type: 'string', maxLength: maxReason },
    deadLetter: { type: 'boolean' },
  },
};

export function addSkipRoutes(server: FastifyInstance, { skip, blocked }: SkipRouteOptions): void {
  server.get<{ Params: Params }>(
    '/v1/triggers/:namespace/:name/blocked',
    { config: { access: routeAccess.blocked } },
    (request, reply) => {
      const key = keyOf(request.params);
      const records = blocked(key, maxListed);
      if (records === undefined)
        return reply
          .code(404)
          .send(problem('MILLRACE_SKIP_ELSEWHERE', `this gateway does not run the trigger ${key}`));
      return { blocked: records.map(blockedJson) };
    },
  );
  server.post<{ Params: Params; Body: Body }>(
    '/v1/triggers/:namespace/:name/skip',
    { bodyLimit: maxBodyBytes, schema: { body: bodySchema }, config: { access: routeAccess.skip } },
    async (request, reply) => {
      const key = keyOf(request.params);
      const { topic, partition, offset, reason = '', deadLetter = true } = request.body;
      const answer = await skip(key, {
        topic,
        partition,
        offset: BigInt(offset),
        reason,
        by: callerText(request),
        deadLetter,
        waitMs,
      });
      if (answer.kind === 'refused') {
        const isElsewhere = answer.refusal === 'elsewhere';
        const code = isElsewhere ? 'MILLRACE_SKIP_ELSEWHERE' : 'MILLRACE_SKIP_REFUSED';
        return reply.code(isElsewhere ? 404 : 409).send(problem(code, answer.why));
      }
      return reply
        .code(answer.kind === 'pending' ? 202 : 200)
        .type('application/json; charset=utf-8')
        .send(JSON.stringify(answerJson(key, answer)));
    },
  );
}

function keyOf({ namespace, name }: Params): string {
  return `${namespace}/${name}`;
}

function callerText({ caller, ip }: FastifyRequest): string {
  return `${caller?.name ?? 'unknown'} at ${ip}`;
}

/** Without key, value and headers: the caller may have no access to payloads. */
function blockedJson({ cause, keyBytes, sinceMs, ...place }: BlockedRecord): object {
  return {
    ...placeJson(place),
    lastOffset: lastOffsetText(place),
    keyBytes,
    reason: cause.reason,
    detail: masked(cause.detail),
    status: cause.status,
    attempts: cause.attempts,
    since: new Date(sinceMs).toISOString(),
  };
}

function answerJson(key: string, answer: Exclude<SkipAnswer, { kind: 'refused' }>): object {
  const { record, batch, attempts, cause, deadLetter, reply } = answer.trace;
  return {
    trigger: key,
    ...placeJson(record),
    lastOffset: lastOffsetText(batch),
    settlement: answer.kind === 'pending' ? 'pending' : answer.settlement,
    ...(answer.kind === 'pending' ? { message: answer.why } : {}),
    attempts,
    cause: causeJson(cause),
    deadLetter: deadLetter === undefined ? undefined : placeJson(deadLetter),
    ...(batch === undefined ? { record: recordJson(record) } : { batch: batchJson(batch) }),
    reply: reply === undefined ? undefined : replyJson(reply),
  };
}

function causeJson(cause: SkipTrace['cause']): object | undefined {
  if (cause === undefined) return undefined;
  return { reason: cause.reason, detail: cause.detail, status: cause.status };
}

function placeJson({ topic, partition, offset }: Place): object {
  return { topic, partition, offset: String(offset) };
}

/** The whole record as Kafka holds it; bytes in Base64. */
function recordJson({ timestampMs, key, value, headers }: KafkaRecord): object {
  return {
    timestampMs,
    key: base64(key),
    value: base64(value),
    headers: headers.map((header) => ({ name: header.name, value: base64(header.value) })),
  };
}

/** Of a batch; absent for a record. */
function lastOffsetText(place: { readonly lastOffset?: bigint | undefined } | undefined): string | undefined {
  return place?.lastOffset === undefined ? undefined : String(place.lastOffset);
}

/** The bytes are as many of the first ones as are kept, in Base64. */
function batchJson({ size, bytes }: UnreadableBatch): object {
  return { size, bytes: base64(bytes) };
}

/** The reply in the JSON format of CloudEvents. */
function replyJson({ data, extensions, ...attributes }: CloudEvent): object {
  return { specversion: '1.0', ...attributes, ...extensions, data_base64: base64(data) ?? undefined };
}

function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64');
}

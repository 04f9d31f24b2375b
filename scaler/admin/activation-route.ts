// `POST /v1/activations`: the activation call, with which a gateway wakes sleeping functions.
import type { FastifyInstance } from 'fastify';
import { errorTable } from '../../core/contract/errors.ts';
import type { EmitScaler } from '../scaler-events.ts';
import type { WantedTriggers } from '../wanted-triggers.ts';
import type { Demand } from '../activation/demand.ts';

export interface ActivationRouteOptions {
  readonly demand: Pick<Demand, 'wake'>;
  readonly triggers: WantedTriggers;
  readonly emit: EmitScaler;
}

interface ActivationBody {
  readonly triggers: readonly { readonly namespace: string; readonly name: string }[];
}

/** A gateway names each trigger once per call. Kubernetes limits names to 253 characters and namespaces to 63. */
const maxTriggers = 1_000;
const bodyLimitBytes = 512 * 1024;

const bodySchema = {
  type: 'object',
  required: ['triggers'],
  properties: {
    triggers: {
      type: 'array',
      minItems: 1,
      maxItems: maxTriggers,
      items: {
        type: 'object',
        required: ['namespace', 'name'],
        properties: {
          namespace: { type: 'string', minLength: 1, maxLength: 63 },
          name: { type: 'string', minLength: 1, maxLength: 253 },
        },
      },
    },
  },
} as const;

/**
 * Wakes every trigger that the body names and answers 204. If some are unknown, it wakes the others and answers 404, with an
 * RFC 9457 problem that names the unknown ones. An invalid body is answered with 400, one above the limit with 413.
 */
export function addActivationRoute(
  server: FastifyInstance,
  { demand, triggers, emit }: ActivationRouteOptions,
): void {
  // No rate limit: the caller is authorized, and calls as often as records arrive for sleeping functions.
  const config = { access: 'activate', rateLimit: false } as const;
  const options = { bodyLimit: bodyLimitBytes, schema: { body: bodySchema }, config };
  server.post<{ Body: ActivationBody }>('/v1/activations', options, async (request, reply) => {
    const unknown: string[] = [];
    for (const { namespace, name } of request.body.triggers) {
      const key = `${namespace}/${name}`;
      const known = triggers.find(key) !== undefined;
      emit('activationCalled', key, known);
      if (known) demand.wake(key);
      else unknown.push(key);
    }
    if (unknown.length === 0) return reply.code(204).send();
    const problem = {
      title: 'Unknown triggers',
      status: 404,
      code: 'MILLRACE_TRIGGER_UNKNOWN',
      detail: `The scaler knows no trigger ${unknown.join(', ')}. ${errorTable.MILLRACE_TRIGGER_UNKNOWN}`,
      triggers: unknown,
    };
    return reply.code(404).type('application/problem+json').send(problem);
  });
}

// The activation call of the gateway, server side: `POST /v1/activations`.
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

/**
 * A gateway names a trigger once per call; a name of Kubernetes has at most 253 characters, a namespace 63.
 */
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
 * Wakes every trigger that the body names, then answers 204; 404 with an RFC 9457 problem that names those
 * that nobody wants (the others are awake all the same), 400 for a body that is none, 413 beyond the limit.
 */
export function addActivationRoute(
  server: FastifyInstance,
  { demand, triggers, emit }: ActivationRouteOptions,
): void {
  // A gateway asks as often as records come upon sleeping functions, and is known: its rate is not limited.
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

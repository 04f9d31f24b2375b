// The triggers that gateways serve, and which of them a name means.
import { MillraceError } from '../../core/contract/errors.ts';
import { nearest } from '../../core/contract/nearest-name.ts';
import type { TriggerSnapshot } from '../../gateway/pipeline/trigger-snapshot.ts';
import { nobodyAnswered, parseObject, type GatewayAdmin, type Unanswered } from './gateway-admin.ts';

/** A trigger as one gateway tells it. */
export interface ServedTrigger {
  readonly url: string;
  readonly snapshot: TriggerSnapshot;
}

export interface ServedTriggers {
  readonly served: readonly ServedTrigger[];
  /** The gateways that did not answer. */
  readonly silent: readonly Unanswered[];
}

/** Asks all gateways at once. Rejects if none of them answers. */
export async function listServed(admin: GatewayAdmin): Promise<ServedTriggers> {
  const answers = await Promise.all(admin.urls.map((url) => admin.ask(url, 'v1/triggers')));
  const silent = answers.filter((answer) => answer.kind !== 'answered');
  if (silent.length === answers.length) throw nobodyAnswered(silent);
  const served = answers.flatMap((answer) => {
    if (answer.kind !== 'answered') return [];
    const { triggers = [] } = parseObject(answer.text) as { triggers?: readonly TriggerSnapshot[] };
    return triggers.map((snapshot) => ({ url: answer.url, snapshot }));
  });
  return { served, silent };
}

/**
 * The key of the trigger that `name` means: `namespace/name` as it is, or a name that only one trigger has. It is never guessed: a gateway
 * that does not answer might serve another trigger of that name.
 */
export async function findKey(admin: GatewayAdmin, name: string): Promise<string> {
  if (name.includes('/')) return name;
  const { served, silent } = await listServed(admin);
  const [unheard] = silent;
  if (unheard !== undefined) {
    const why = `${unheard.url} did not say whether it serves another ${name}: ${unheard.why}`;
    throw new MillraceError('MILLRACE_GATEWAY_UNREACHABLE', `${why}; write namespace/${name}`);
  }
  const keys = [...new Set(served.map(({ snapshot }) => snapshot.key))].toSorted();
  const meant = keys.filter((key) => nameOf(key) === name);
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only;
  throw new MillraceError(
    'MILLRACE_CONFIG_INVALID',
    meant.length > 1
      ? `several triggers are called ${name}: write ${meant.join(' or ')}`
      : `no gateway serves a trigger ${name}${suggestion(name, keys)}`,
  );
}

/** The path of a route of a trigger. */
export function routeOf(key: string, route: 'blocked' | 'skip'): string {
  return `v1/triggers/${key.split('/').map(encodeURIComponent).join('/')}/${route}`;
}

function suggestion(name: string, keys: readonly string[]): string {
  const near = nearest(name, keys.map(nameOf));
  const meant = keys.find((key) => nameOf(key) === near);
  if (meant !== undefined) return `; did you mean ${meant}?`;
  return '; `millrace triggers` lists those that are';
}

function nameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

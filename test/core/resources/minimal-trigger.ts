// The smallest right Trigger, and the same with other values in it.
import type { Path } from '../../../core/contract/path.ts';
import { triggerRules } from '../../../core/resources/validation/trigger-rules.ts';
import { apiVersion } from '../../../core/resources/schema/trigger-schema.ts';
import { validateTrigger } from '../../../core/resources/validation/validate-trigger.ts';
import { triggerWording } from '../../../core/resources/validation/wording.ts';
import { pathText } from '../../../core/contract/path.ts';

export function minimalTrigger() {
  return {
    apiVersion,
    kind: 'Trigger',
    metadata: { name: 'mailer' },
    spec: { source: { topics: ['orders'] }, function: { ref: { name: 'mailer' } } },
  };
}

/** A minimal Trigger in which `value` stands at each path, such as `spec.delivery.retry`; undefined takes away. */
export function triggerWith(changes: Readonly<Record<string, unknown>>): unknown {
  const trigger = minimalTrigger();
  for (const [path, value] of Object.entries(changes)) place(trigger, path.split('.'), value);
  return trigger;
}

function place(root: object, path: Path, value: unknown): void {
  let within = root as Record<string, unknown>;
  for (const step of path.slice(0, -1)) within = (within[step] ??= {}) as Record<string, unknown>;
  const last = String(path.at(-1));
  if (value === undefined) Reflect.deleteProperty(within, last);
  else within[last] = value;
}

/** Every mistake as `path: message. remedy`, without the rules between fields where `changes` are of one field. */
export function mistakesIn(changes: Readonly<Record<string, unknown>>): string[] {
  const verdict = validateTrigger(triggerWith(changes), triggerWording);
  if (verdict.kind === 'right') return [];
  return verdict.mistakes.map(({ at, message, remedy }) => `${pathText(at)}: ${message}. ${remedy}`);
}

/** The mistakes between the fields of a Trigger whose fields are right one by one. */
export function broken(changes: Readonly<Record<string, unknown>>): string[] {
  const declared = triggerWith(changes);
  const verdict = validateTrigger(declared, triggerWording);
  const filled = verdict.kind === 'right' ? verdict.trigger : verdict.filled;
  const mistakes = triggerRules(declared, filled, triggerWording);
  return mistakes.map(({ at, message, remedy }) => `${pathText(at)}: ${message}. ${remedy}`);
}

// A path within a value: a list of keys and indices. It becomes text only in messages.

export type Path = readonly (string | number)[];

/** `['spec', 'filters', 0]` as `spec.filters[0]`. Keys that are no plain words stand in brackets and quotes. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (!/^[A-Za-z_]\w*$/.test(step)) text += `[${JSON.stringify(step)}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** The value at `path` in `value`; undefined if there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  let within = value;
  for (const step of path) {
    if (typeof within !== 'object' || within === null || !Object.hasOwn(within, step)) return undefined;
    within = (within as Record<string | number, unknown>)[step];
  }
  return within;
}

/** Whether `value` is a mapping of YAML: an object, and neither a list nor null. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

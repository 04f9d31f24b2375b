// Sizes in bytes, as Kubernetes quantities: a whole number with a binary (Ki, Mi, Gi) or decimal (k, M, G) suffix, or none.

const multipliers: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
};

/** Bytes of a quantity such as `1Mi` or `500k`; undefined if `text` is not one. */
export function parseQuantity(text: string): number | undefined {
  const match = /^(\d+)(k|M|G|Ki|Mi|Gi)?$/.exec(text);
  if (match === null) return undefined;
  const [, digits, suffix = ''] = match;
  const bytes = Number(digits) * Number(multipliers[suffix]);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

// Converts a value of CEL to JSON, to be printed.
import { isCelList, isCelMap, isCelUint, type CelValue } from '@bufbuild/cel';
import { toJson } from '@bufbuild/protobuf';
import { isReflectMessage } from '@bufbuild/protobuf/reflect';

/**
 * `value` as JSON. Whole numbers beyond 2^53, infinity and NaN become strings; bytes are in Base64, times as in RFC 3339, durations in
 * seconds (`90s`), and types are their names.
 */
export function celToJson(value: CelValue): unknown {
  switch (typeof value) {
    case 'bigint':
      return wholeNumber(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'string':
    case 'boolean':
      return value;
    default:
      return value === null ? null : objectToJson(value);
  }
}

function objectToJson(value: Exclude<CelValue, bigint | number | string | boolean | null>): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (isCelUint(value)) return wholeNumber(value.value);
  if (isCelList(value)) return [...value].map(celToJson);
  if (isCelMap(value)) {
    const entries = [...value.entries()].map(([key, item]) => [keyText(key), celToJson(item)] as const);
    return Object.fromEntries(entries);
  }
  return isReflectMessage(value) ? toJson(value.desc, value.message) : value.name;
}

function keyText(key: CelValue): string {
  return isCelUint(key) ? String(key.value) : `${key as string | bigint | boolean}`;
}

function wholeNumber(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

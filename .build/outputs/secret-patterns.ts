// The byte sequences to search for: text that must not appear, in each form in which it could. Pure.

export type SecretPattern = {
  /** How a finding is described. */
  readonly what: string;
  readonly bytes: Buffer;
};

/** The beginnings of keys and tokens that tests do not mark: PEM, PKCS#8 of a P-256 key, and a JWT (`{"alg":`). */
const shapes = {
  'a private key': 'PRIVATE KEY-----',
  'the body of a private key': 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg',
  'a JSON Web Token': 'eyJhbGciOi',
} as const;

/** Needles for secrets that contain `mark`, and for keys and tokens of known shape. */
export function secretPatternsFor(mark: string): SecretPattern[] {
  const named = (what: string, [form, text]: readonly [string, string]): SecretPattern => ({
    what: `${what}, ${form}`,
    bytes: Buffer.from(text),
  });
  return [
    ...[...plainAndBase64(mark), ...spelled(mark)].map((form) => named('a planted secret', form)),
    ...Object.entries(shapes).flatMap(([what, text]) =>
      plainAndBase64(text).map((form) => named(what, form)),
    ),
  ];
}

type Form = readonly [name: string, text: string];

function plainAndBase64(text: string): Form[] {
  const encoded = [0, 1, 2].map((shift) => base64At(text, shift));
  const urlSafe = encoded.map((one) => one.replaceAll('+', '-').replaceAll('/', '_'));
  return [['as it is', text], ...[...new Set([...encoded, ...urlSafe])].map((one): Form => ['base64', one])];
}

/** The part of the base64 that does not depend on the text around, with the first byte of `text` at `shift` in a group of three. */
function base64At(text: string, shift: number): string {
  const bits = 8 * shift;
  const encoded = Buffer.concat([Buffer.alloc(shift), Buffer.from(text)]).toString('base64');
  return encoded.slice(Math.ceil(bits / 6), Math.floor((bits + 8 * Buffer.byteLength(text)) / 6));
}

/** Byte by byte: in a URL, in hexadecimal, as Node prints a Buffer, and as JSON holds one. */
function spelled(text: string): Form[] {
  const bytes = [...Buffer.from(text)];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0'));
  const forms = {
    'percent-encoded': `%${hex.join('%')}`,
    hexadecimal: hex.join(''),
    'a Buffer': hex.join(' '),
  };
  return [
    ...Object.entries(forms).flatMap(([name, one]): Form[] => [
      [name, one],
      [name, one.toUpperCase()],
    ]),
    ['a Buffer in JSON', bytes.join()],
  ];
}

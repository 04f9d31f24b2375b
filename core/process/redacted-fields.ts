// The names of fields that no log shows: secrets, and what records hold.

const names = [
  'password',
  'passphrase',
  'keyPassword',
  'secret',
  'clientSecret',
  'clientAssertion',
  'token',
  'accessToken',
  'adminToken',
  'authorization',
  'cookie',
  'sasl',
  'cert',
  'key',
  'value',
  'headers',
  'data',
];

/** In pino's form, at three depths of a logged object. */
export const redactedPaths: readonly string[] = names.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

// What no log shows, by name: secrets, and what records hold.

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

/** As pino takes them: at three depths of a logged object. */
export const redactedPaths: readonly string[] = names.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

// The login that `sasl.jaas.config` says. What stands there is never repeated.
import type { GivenProperties } from './given-properties.ts';
import { parseJaas } from './jaas.ts';

export type LoginOptions = ReadonlyMap<string, string>;

/** The packages of the classes. */
const modules = {
  PlainLoginModule: 'plain',
  ScramLoginModule: 'scram',
  OAuthBearerLoginModule: 'oauthbearer',
} as const;

export type LoginModule = keyof typeof modules;

export const loginProperty = 'sasl.jaas.config';

export function remedyFor(module: LoginModule): string {
  const options =
    module === 'OAuthBearerLoginModule' ? 'clientId="…" clientSecret="…"' : 'username="…" password="…"';
  return `Write \`${loginProperty}=org.apache.kafka.common.security.${modules[module]}.${module} required ${options};\`.`;
}

/** The options for `module`, which must be the one that is written. */
export function loginOf(properties: GivenProperties, module: LoginModule): LoginOptions | undefined {
  const text = properties.text(loginProperty);
  if (text === undefined) {
    properties.wrong(loginProperty, 'is missing', remedyFor(module));
    return undefined;
  }
  const verdict = parseJaas(text);
  if (verdict.kind === 'wrong') {
    properties.wrong(loginProperty, verdict.message, verdict.remedy);
    return undefined;
  }
  if (verdict.login.module === module) return verdict.login.options;
  const message = `has another login module than ${module}, which this sasl.mechanism needs`;
  properties.wrong(loginProperty, message, remedyFor(module));
  return undefined;
}

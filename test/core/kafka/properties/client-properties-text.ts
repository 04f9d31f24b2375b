// Properties as a client.properties file has them, and what is said of them.
import {
  parseClientProperties,
  type CredentialsVerdict,
} from '../../../../core/kafka/properties/client-properties.ts';

const loginModules = 'org.apache.kafka.common.security';

/** Values as they are meant: what is special in a file is escaped. */
export function propertiesText(properties: Readonly<Record<string, string | undefined>>): string {
  const all: Readonly<Record<string, string | undefined>> = {
    'bootstrap.servers': 'kafka:9092',
    ...properties,
  };
  return Object.entries(all)
    .map(([name, value]) =>
      value === undefined ? '' : `${name}=${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`,
    )
    .join('');
}

/** A login of `sasl.jaas.config`, such as `scram.ScramLoginModule`. */
export function login(module: string, options: string): string {
  return `${loginModules}.${module} required ${options};`;
}

/** All that comes of `properties`, with the files that they name. */
export function credentialsOf(
  properties: Readonly<Record<string, string | undefined>>,
  files: Readonly<Record<string, string>> = {},
): CredentialsVerdict {
  const verdict = parseClientProperties(propertiesText(properties));
  return verdict.kind === 'wrong' ? verdict : verdict.properties.credentials(new Map(Object.entries(files)));
}

/** `NAME: MESSAGE` for each of the mistakes. */
export function mistakesOf(
  verdict: { kind: 'right' } | Extract<CredentialsVerdict, { kind: 'wrong' }>,
): string[] {
  if (verdict.kind === 'right') return [];
  return verdict.mistakes.map(({ path, message }) => `${path}: ${message}`);
}

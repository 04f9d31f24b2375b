// The installation's own cluster: where it is and how its connections are secured, by a file of Kafka's client properties, which is read
// again when it, or a file that it names, has changed.
import { readFile } from 'node:fs/promises';
import { parseClientProperties, type ClientProperties } from '../properties/client-properties.ts';
import { MillraceError } from '../../contract/errors.ts';
import type { Credentials, GroupProtocol } from '../../contract/kafka-access.ts';
import { formatProblem } from '../../contract/manifest-problem.ts';
import type { Problem } from '../../contract/manifest-problem.ts';
import type { ClientLog, ConnectionSettings } from './connection-settings.ts';
import { openSecurity } from './security/security.ts';

export interface InstallationConnectionOptions {
  /** Undefined where the file says it; they win where both do. */
  readonly brokers: readonly string[] | undefined;
  /** Undefined: plain text, as nobody. */
  readonly configPath: string | undefined;
  readonly clientId: string;
  /** Absent: what the file says, if anything. */
  readonly rackId?: string | undefined;
  /** Absent: `auto`. */
  readonly groupProtocol?: GroupProtocol | undefined;
  readonly log?: ClientLog | undefined;
}

/**
 * The caller closes its security. Rejects with MILLRACE_CONFIG_INVALID, and all mistakes that are in the file, where it is not what it
 * should be; later mistakes go to `log`, and what was held stays.
 */
export async function openInstallationConnection(
  options: InstallationConnectionOptions,
): Promise<ConnectionSettings> {
  const { configPath: path, clientId, rackId, groupProtocol, log } = options;
  if (path === undefined) return { brokers: options.brokers ?? [], clientId, rackId, groupProtocol };
  const properties = await readProperties(path);
  const first = await readNamed(path, properties);
  const brokers = options.brokers ?? properties.brokers;
  if (brokers === undefined)
    throw invalid(`${path} names no bootstrap.servers, and KAFKA_BROKERS is not set`);
  const named = {
    brokers,
    clientId: properties.clientId ?? clientId,
    rackId: rackId ?? properties.rackId,
    groupProtocol,
  };
  if (first.tls === undefined && first.sasl === undefined) return named;
  const read = async (): Promise<Credentials> => readNamed(path, await readProperties(path));
  const security = openSecurity({ brokers, mechanism: first.sasl?.mechanism, read, log });
  await security.credentials.ready();
  return { ...named, security };
}

async function readProperties(path: string): Promise<ClientProperties> {
  const verdict = parseClientProperties(await readText(path));
  if (verdict.kind === 'right') return verdict.properties;
  throw mistaken(path, verdict.mistakes);
}

async function readNamed(path: string, properties: ClientProperties): Promise<Credentials> {
  const texts = new Map<string, string>();
  for (const file of properties.files) texts.set(file, await readText(file));
  const verdict = properties.credentials(texts);
  if (verdict.kind === 'wrong') throw mistaken(path, verdict.mistakes);
  return verdict.credentials;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new MillraceError('MILLRACE_CONFIG_INVALID', `cannot read ${path}`, { cause });
  }
}

function mistaken(path: string, mistakes: readonly Problem[]): MillraceError {
  const lines = mistakes.map((mistake) => `\n  ${formatProblem({ ...mistake, file: path })}`);
  return invalid(`${path} has mistakes:${lines.join('')}`);
}

function invalid(message: string): MillraceError {
  return new MillraceError('MILLRACE_CONFIG_INVALID', message);
}

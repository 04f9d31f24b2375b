// How connections to one cluster are secured, for all clients of it in this process: credentials that are kept current, and one token
// for all of its connections.
import { createHash } from 'node:crypto';
import { errorFields } from '../../../contract/errors.ts';
import type { Credentials, KafkaAccess } from '../../../contract/kafka-access.ts';
import type { SecretReader } from '../../../contract/secret-reader.ts';
import { createConnections } from '../broker-connections.ts';
import {
  connectTimeoutMs,
  type ClientLog,
  type ConnectionSettings,
  type Security,
} from '../connection-settings.ts';
import {
  createRotatingCredentials,
  type RotatingCredentials,
} from '../../../credentials/rotating-credentials.ts';
import type { ConnectGuard } from '../../../network/connect-guard.ts';
import { readCredentials } from './read-credentials.ts';
import { createSasl, type SaslMechanism } from './sasl.ts';
import { metadataRequest } from '../../protocol/wire-requests.ts';

export interface SecurityOptions {
  /** Where new credentials are proved. */
  readonly brokers: readonly string[];
  /** Of all credentials there will be; undefined: no SASL. */
  readonly mechanism: SaslMechanism | undefined;
  readonly read: () => Promise<Credentials>;
  readonly log?: ClientLog | undefined;
  /** Where a tenant names the brokers and the token endpoint; absent: they may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
}

export function openSecurity(options: SecurityOptions): Security {
  const { brokers, read, log } = options;
  const cluster = brokers.join(',');
  const credentials = createRotatingCredentials({
    read,
    shown: shownToBrokers,
    prove: (candidate) => prove(options, candidate),
    onTrouble: (error) =>
      log?.('warn', 'credentials not taken on, tried again', { cluster, ...errorFields(error) }),
    onRenewed: () => log?.('info', 'credentials renewed', { cluster }),
  });
  return secured(credentials, options);
}

type Peers = Pick<SecurityOptions, 'brokers' | 'mechanism' | 'guard'>;

function secured(credentials: RotatingCredentials<Credentials>, { mechanism, guard }: Peers): Security {
  const sasl = mechanism === undefined ? undefined : createSasl({ mechanism, credentials, guard });
  return {
    credentials,
    sasl,
    close: async () => {
      credentials.close();
      await sasl?.close();
    },
  };
}

/** Where clusters are that triggers name, and what is needed to reach them. */
export interface Installation {
  /** Of the installation itself; whoever has opened its security closes it. */
  readonly own: ConnectionSettings;
  readonly secrets: SecretReader;
  readonly log?: ClientLog | undefined;
  /** For all clusters but the own one; absent: they may be anywhere. */
  readonly guard?: ConnectGuard | undefined;
}

/** An access is as large as its KafkaCluster may be, and each trigger of that asks for its identity. */
const identities = new WeakMap<KafkaAccess, string>();

/** Two accesses of one identity can share their connections. An access does not change. */
export function identityOf(access: KafkaAccess | undefined, { own }: Installation): string {
  if (access === undefined) return own.security === undefined ? plainIdentity(own) : '';
  let identity = identities.get(access);
  if (identity === undefined) identities.set(access, (identity = readIdentity(access)));
  return identity;
}

function readIdentity(access: KafkaAccess): string {
  const { brokers, namespace, tls, authentication, groupProtocol } = access;
  if (tls === undefined && authentication === undefined) return plainIdentity(access);
  return digest([brokers.toSorted(), namespace, tls, authentication, groupProtocol]);
}

function plainIdentity({
  brokers,
  groupProtocol = 'auto',
}: Pick<ConnectionSettings, 'brokers' | 'groupProtocol'>): string {
  return digest([brokers.toSorted(), groupProtocol]);
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

/** The own one also where a KafkaCluster means just that. The caller closes the security of any other. */
export function connectionTo(
  access: KafkaAccess | undefined,
  installation: Installation,
): ConnectionSettings {
  const { own, guard } = installation;
  if (access === undefined || identityOf(access, installation) === identityOf(undefined, installation))
    return own;
  return {
    brokers: access.brokers,
    clientId: own.clientId,
    rackId: own.rackId,
    security: securityOf(access, installation),
    guard,
    groupProtocol: access.groupProtocol,
  };
}

/** What a KafkaCluster asks for; undefined where that is nothing. */
function securityOf(access: KafkaAccess, { secrets, log, guard }: Installation): Security | undefined {
  const { brokers, tls, authentication } = access;
  if (tls === undefined && authentication === undefined) return undefined;
  const type = authentication?.type;
  const mechanism = type === 'tls' ? undefined : type;
  return openSecurity({ brokers, mechanism, read: () => readCredentials(access, secrets), log, guard });
}

/** A client is asked who it is at each new token: what proves it may change without any connection. */
function shownToBrokers({ tls, sasl }: Credentials): unknown {
  if (sasl?.mechanism !== 'oauthbearer') return { tls, sasl };
  const { clientAssertion: _assertion, ...settings } = sasl;
  return { tls, sasl: settings };
}

/** A connection by `candidate`, to a broker that then knows who asks. */
async function prove(peers: Peers, candidate: Credentials): Promise<void> {
  const { brokers, guard } = peers;
  const security = secured(heldFast(candidate), peers);
  const settings = { brokers, clientId: 'millrace-proof', security, guard };
  const connections = createConnections({ settings, requestTimeoutMs: connectTimeoutMs });
  try {
    // All servers may have to be tried.
    const limitMs = brokers.length * 2 * connectTimeoutMs;
    await connections.sendToAny(metadataRequest([], false), performance.now() + limitMs);
  } finally {
    await connections.close();
    await security.close();
  }
}

function heldFast(credentials: Credentials): RotatingCredentials<Credentials> {
  return {
    current: () => credentials,
    ready: () => Promise.resolve(),
    onRenewed: () => () => undefined,
    close: () => undefined,
  };
}

// How connections to one cluster are secured, for all clients of it in this process: credentials that are kept current, and one token
// for all of its connections.
import { describeError } from '../contract/errors.ts';
import type { Credentials, KafkaAccess } from '../contract/kafka-access.ts';
import type { SecretReader } from '../contract/secrets.ts';
import { createKafka, type ClientLog, type ConnectionSettings, type Security } from './connection.ts';
import { createLiveCredentials, type LiveCredentials } from '../credentials/live-credentials.ts';
import { readCredentials } from './read-credentials.ts';
import { createSasl, type SaslMechanism } from './sasl.ts';

export interface SecurityOptions {
  /** Where new credentials are proved. */
  readonly brokers: readonly string[];
  /** Of all credentials there will be; undefined: no SASL. */
  readonly mechanism: SaslMechanism | undefined;
  readonly read: () => Promise<Credentials>;
  readonly log?: ClientLog | undefined;
}

export function openSecurity({ brokers, mechanism, read, log }: SecurityOptions): Security {
  const cluster = brokers.join(',');
  const credentials = createLiveCredentials({
    read,
    shown: shownToBrokers,
    prove: (candidate) => prove(brokers, mechanism, candidate),
    onTrouble: (error) =>
      log?.('warn', 'credentials not taken on, tried again', { cluster, reason: describeError(error) }),
    onRenewed: () => log?.('info', 'credentials renewed', { cluster }),
  });
  return secured(credentials, mechanism);
}

function secured(credentials: LiveCredentials<Credentials>, mechanism: SaslMechanism | undefined): Security {
  const sasl = mechanism === undefined ? undefined : createSasl(mechanism, credentials);
  return {
    credentials,
    sasl: sasl?.options,
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
}

/** Two accesses of one identity can share their connections. */
export function identityOf(access: KafkaAccess | undefined, { own }: Installation): string {
  if (access === undefined) return own.security === undefined ? plainIdentity(own.brokers) : '';
  const { brokers, namespace, tls, authentication } = access;
  if (tls === undefined && authentication === undefined) return plainIdentity(brokers);
  return JSON.stringify([brokers.toSorted(), namespace, tls, authentication]);
}

function plainIdentity(brokers: readonly string[]): string {
  return JSON.stringify(brokers.toSorted());
}

/** The caller closes the security of a connection that is not the installation's own. */
export function connectionTo(
  access: KafkaAccess | undefined,
  { own, secrets, log }: Installation,
): ConnectionSettings {
  if (access === undefined) return own;
  return { brokers: access.brokers, clientId: own.clientId, security: securityOf(access, secrets, log) };
}

/** What a KafkaCluster asks for; undefined where that is nothing. */
function securityOf(access: KafkaAccess, secrets: SecretReader, log?: ClientLog): Security | undefined {
  const { brokers, tls, authentication } = access;
  if (tls === undefined && authentication === undefined) return undefined;
  const type = authentication?.type;
  const mechanism = type === 'tls' ? undefined : type;
  return openSecurity({ brokers, mechanism, read: () => readCredentials(access, secrets), log });
}

/** A client is asked who it is at each new token: what proves it may change without any connection. */
function shownToBrokers({ tls, sasl }: Credentials): unknown {
  if (sasl?.mechanism !== 'oauthbearer') return { tls, sasl };
  const { clientAssertion: _assertion, ...settings } = sasl;
  return { tls, sasl: settings };
}

/** A connection by `candidate`, to a broker that then knows who asks. */
async function prove(
  brokers: readonly string[],
  mechanism: SaslMechanism | undefined,
  candidate: Credentials,
): Promise<void> {
  const security = secured(heldFast(candidate), mechanism);
  const admin = createKafka({ brokers, clientId: 'millrace-proof', security }).admin({
    retry: { retries: 0 },
  });
  try {
    await admin.connect();
    // With TLS 1.3 a client learns with the first answer that its certificate is refused.
    await admin.describeCluster();
  } finally {
    await admin.disconnect().catch(() => undefined);
    await security.close();
  }
}

function heldFast(credentials: Credentials): LiveCredentials<Credentials> {
  return {
    current: () => credentials,
    ready: () => Promise.resolve(),
    onRenewed: () => undefined,
    close: () => undefined,
  };
}

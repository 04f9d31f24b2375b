// Access → credentials: reads what a KafkaCluster refers to.
import type {
  Credentials,
  KafkaAccess,
  SaslCredentials,
  TlsCredentials,
} from '../../../contract/kafka-access.ts';
import { certificatesIn } from '../../../credentials/pem.ts';
import type { SecretReader } from '../../../contract/secret-reader.ts';
import {
  createReadSecret,
  readCertificate,
  readOauth,
  type ReadSecret,
  type SecretPlace,
} from '../../../credentials/read-secrets.ts';

/** Rejects with MILLRACE_CREDENTIALS_UNUSABLE, or as `secrets` does. */
export async function readCredentials(access: KafkaAccess, secrets: SecretReader): Promise<Credentials> {
  const place = { namespace: access.namespace, namedBy: 'the KafkaCluster', secrets };
  const read = createReadSecret(place);
  const [tls, sasl] = await Promise.all([readTls(access, read), readSasl(access, read, place)]);
  return { tls, sasl };
}

async function readTls(
  { tls, authentication }: KafkaAccess,
  read: ReadSecret,
): Promise<TlsCredentials | undefined> {
  if (tls === undefined) return undefined;
  const { ca, verifyHostname } = tls;
  const own =
    authentication?.type === 'tls' ? await readCertificate(authentication, 'authentication', read) : {};
  return {
    verifyHostname,
    ...(ca === undefined ? {} : { ca: await read(ca, 'tls.ca', certificatesIn) }),
    ...own,
  };
}

async function readSasl(
  { authentication }: KafkaAccess,
  read: ReadSecret,
  place: SecretPlace,
): Promise<SaslCredentials | undefined> {
  switch (authentication?.type) {
    case undefined:
    case 'tls':
      return undefined;
    case 'plain':
    case 'scram-sha-256':
    case 'scram-sha-512': {
      const { type: mechanism, username, password } = authentication;
      return { mechanism, username, password: await read(password, 'authentication.password') };
    }
    case 'oauthbearer':
      return readOauth(authentication, 'authentication', read, place);
  }
}

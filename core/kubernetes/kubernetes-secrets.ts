// Reads Secrets and requests tokens of ServiceAccounts through the API server: implements SecretReader.
// Each Secret is read by its name, so that nobody needs the right to list Secrets.
import { LRUCache } from 'lru-cache';
import { MillraceError } from '../contract/errors.ts';
import type { ServiceAccountToken } from '../contract/kafka-access.ts';
import { secretKind, serviceAccountKind } from '../resources/kinds.ts';
import type { SecretReader } from '../contract/secret-reader.ts';
import type { Connection } from './api-connection.ts';
import { Requests } from './api-requests.ts';

/** Lifetime to request for tokens, in seconds; the API server gives at least that. A token is used for the first half of it. */
const tokenSeconds = 1_200;
/** Tokens in memory, of ServiceAccounts that are in use or were lately. */
const maxTokens = 5_000;

interface Secret {
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/ */
interface TokenRequest {
  readonly status?: { readonly token?: string };
}

/** The caller closes the connection. */
export function createKubernetesSecrets(connection: Connection): SecretReader {
  const requests = new Requests(connection);
  const tokens = new LRUCache<string, Promise<string>>({ max: maxTokens, ttl: (tokenSeconds * 1_000) / 2 });
  return {
    async read(namespace, name) {
      try {
        const place = { ...secretKind, namespace, name };
        const { data = {} } = (await requests.send({ verb: 'get', place })) as Secret;
        return new Map(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64')]));
      } catch (error) {
        if (error instanceof MillraceError && error.code === 'MILLRACE_KUBERNETES_MISSING') return undefined;
        throw error;
      }
    },

    async serviceAccountToken(namespace, wanted, refused) {
      const name = JSON.stringify([namespace, wanted.serviceAccountName, wanted.audience]);
      const cached = tokens.get(name);
      if (cached !== undefined && (await cached) !== refused) return cached;
      const token = requestToken(requests, namespace, wanted);
      tokens.set(name, token);
      token.catch(() => {
        if (tokens.peek(name) === token) tokens.delete(name);
      });
      return token;
    },
  };
}

async function requestToken(
  requests: Requests,
  namespace: string,
  { serviceAccountName, audience }: ServiceAccountToken,
): Promise<string> {
  const place = { ...serviceAccountKind, namespace, name: serviceAccountName, subresource: 'token' };
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: [audience], expirationSeconds: tokenSeconds },
  };
  const { status } = (await requests.send({ verb: 'create', place, body })) as TokenRequest;
  if (status?.token === undefined)
    throw new MillraceError(
      'MILLRACE_KUBERNETES_FAILED',
      `the API server issued no token for the ServiceAccount ${serviceAccountName} of namespace ${namespace}`,
    );
  return status.token;
}

// The fields that refer to Secrets, and those of an OAuth client. They are alike in every kind.
import { Type } from './schema-types.ts';
import { mapping, text, withDefault } from './schema-notes.ts';

/** The resource that has the fields, with names for its examples. */
export interface Naming {
  /** `KafkaCluster`. */
  readonly kind: string;
  /** An example of a Secret. */
  readonly secretName: string;
  /** An example of a client; also of its ServiceAccount and scope. */
  readonly client: string;
}

/** The longest name or id that another system gives out: of a user, a client, an audience. */
export const longestName = 256;

/** A reference to a key of a Secret in the same namespace; `key` is the default name of the key. */
export function secretValue({ kind, secretName }: Naming, description: string, key: string) {
  return mapping(
    { description, example: { secretName } },
    {
      secretName: text({
        format: 'dns-name',
        example: secretName,
        description: `The name of a Secret in the namespace of the ${kind}.`,
      }),
      key: withDefault(key, text({ format: 'secret-key', description: 'The key in the Secret.' })),
    },
  );
}

/** The fields of `type: oauthbearer`, without the audience. */
export function oauthFields(naming: Naming) {
  const { client } = naming;
  return {
    tokenEndpoint: Type.Optional(
      text({
        format: 'https-uri',
        example: `https://sso.example.com/realms/${client}/protocol/openid-connect/token`,
        description:
          '`oauthbearer`: the URL that tokens are requested from, with the grant client credentials.',
      }),
    ),
    clientId: Type.Optional(
      text({
        minLength: 1,
        maxLength: longestName,
        example: 'orders',
        description: '`oauthbearer`: the id of the client. Required with `clientSecret`.',
      }),
    ),
    clientSecret: Type.Optional(
      secretValue(
        naming,
        '`oauthbearer`: the secret of the client. Write either this or `clientAssertion`.',
        'client-secret',
      ),
    ),
    clientAssertion: Type.Optional(clientAssertion(naming)),
    scope: Type.Optional(
      text({
        minLength: 1,
        maxLength: 512,
        example: client,
        description: '`oauthbearer`: the scopes to request, separated by spaces.',
      }),
    ),
    ca: Type.Optional(
      secretValue(
        naming,
        '`oauthbearer`: the certificate authorities to trust at the token endpoint, PEM. Absent: those that Node.js trusts by default.',
        'ca.crt',
      ),
    ),
  };
}

function clientAssertion({ kind, client }: Naming) {
  return mapping(
    {
      description:
        '`oauthbearer`: a token of a ServiceAccount that authenticates the client, instead of a secret (RFC 7523).',
      example: { serviceAccountName: client, audience: 'https://sso.example.com' },
    },
    {
      serviceAccountName: text({
        format: 'dns-name',
        example: client,
        description: `The name of a ServiceAccount in the namespace of the ${kind}.`,
      }),
      audience: text({
        minLength: 1,
        maxLength: longestName,
        example: 'https://sso.example.com',
        description: 'The audience (`aud`) of the token, as the token endpoint requires it.',
      }),
    },
  );
}

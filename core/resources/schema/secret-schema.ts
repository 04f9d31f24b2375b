// The fields by which manifests name what is secret, and how an OAuth client proves itself: alike in every kind.
import { Type } from 'typebox';
import { mapping, text, withDefault } from './schema-notes.ts';

/** Whose fields they are. */
export interface Naming {
  /** `KafkaCluster`. */
  readonly kind: string;
  /** A Secret, as an example. */
  readonly secretName: string;
  /** A client, and what it may be called where a name is asked for. */
  readonly client: string;
}

/** A key of a Secret of the namespace; `key` is what it is called where nothing is said. */
export function secretValue({ kind, secretName }: Naming, description: string, key: string) {
  return mapping(
    { description, example: { secretName } },
    {
      secretName: text({
        format: 'dns-name',
        example: secretName,
        description: `A Secret in the namespace of the ${kind}.`,
      }),
      key: withDefault(key, text({ format: 'secret-key', description: 'The key in it.' })),
    },
  );
}

/** What `type: oauthbearer` has, but for the audience. */
export function oauthFields(naming: Naming) {
  const { kind, client } = naming;
  return {
    tokenEndpoint: Type.Optional(
      text({
        format: 'https-uri',
        example: `https://sso.example.com/realms/${client}/protocol/openid-connect/token`,
        description: '`oauthbearer`: where tokens are asked for, by client credentials.',
      }),
    ),
    clientId: Type.Optional(
      text({ minLength: 1, example: 'orders', description: '`oauthbearer`: who asks.' }),
    ),
    clientSecret: Type.Optional(
      secretValue(naming, '`oauthbearer`: the secret of the client.', 'client-secret'),
    ),
    clientAssertion: Type.Optional(
      mapping(
        {
          description:
            '`oauthbearer`: proves the client by a token of a ServiceAccount instead of a secret (RFC 7523).',
          example: { serviceAccountName: client, audience: 'https://sso.example.com' },
        },
        {
          serviceAccountName: text({
            format: 'dns-name',
            example: client,
            description: `A ServiceAccount in the namespace of the ${kind}.`,
          }),
          audience: text({
            minLength: 1,
            example: 'https://sso.example.com',
            description: 'Whom the token is for, as the token endpoint asks.',
          }),
        },
      ),
    ),
    scope: Type.Optional(
      text({ minLength: 1, example: client, description: '`oauthbearer`: scopes, separated by spaces.' }),
    ),
    ca: Type.Optional(
      secretValue(naming, '`oauthbearer`: the authorities to trust at the token endpoint, PEM.', 'ca.crt'),
    ),
  };
}

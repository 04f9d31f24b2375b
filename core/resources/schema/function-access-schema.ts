// The fields `spec.function.tls` and `spec.function.authentication` of a Trigger: TLS towards a function, and the token that it gets.
// Secret values stay in Secrets of the trigger's namespace; the fields only refer to them.
import { Type } from './schema-types.ts';
import { mapping, text } from './schema-notes.ts';
import { longestName, oauthFields, secretValue } from './secret-schema.ts';

const naming = { kind: 'Trigger', secretName: 'order-mailer', client: 'order-mailer' };

export const functionTlsSchema = mapping(
  {
    description:
      'If present, requests use https, also to the pods of `ref` and `service`. With a `uri`, which must be https, write it only to set one of these fields.',
    example: { ca: { secretName: 'order-mailer-tls' } },
  },
  {
    ca: Type.Optional(
      secretValue(
        { ...naming, secretName: 'order-mailer-tls' },
        'The certificate authorities to trust, PEM, one or several. Absent: those that Node.js trusts by default.',
        'ca.crt',
      ),
    ),
    certificate: Type.Optional(
      secretValue(
        naming,
        'The client certificate, PEM, followed by its intermediate certificates. Requires `key`.',
        'tls.crt',
      ),
    ),
    key: Type.Optional(secretValue(naming, 'The private key of the client certificate, PEM.', 'tls.key')),
    keyPassword: Type.Optional(secretValue(naming, 'The password of `key`, if it is encrypted.', 'password')),
    serverName: Type.Optional(
      text({
        format: 'dns-name',
        example: 'order-mailer.default.svc',
        description:
          'The name that the certificate of the function must have. Default: `<name>.<namespace>.svc`, with the name of the `ref` or ' +
          '`service`; with a `uri`, its host.',
      }),
    ),
  },
);

export const functionAuthenticationTypes = ['service-account', 'oauthbearer'] as const;

export const functionAuthenticationSchema = mapping(
  {
    description:
      'The bearer token that each request carries in the header `authorization`, so that the function can authenticate the caller.',
    example: {
      type: 'service-account',
      serviceAccountName: 'orders-caller',
      audience: 'order-mailer.default.svc',
    },
  },
  {
    type: Type.Enum([...functionAuthenticationTypes], {
      description:
        '`service-account`: a token of a ServiceAccount of the namespace, for one audience. `oauthbearer`: a token of an OAuth 2.0 or OpenID Connect provider.',
      example: 'service-account',
    }),
    serviceAccountName: Type.Optional(
      text({
        format: 'dns-name',
        example: 'orders-caller',
        description: '`service-account`: the name of a ServiceAccount in the namespace of the Trigger.',
      }),
    ),
    ...oauthFields(naming),
    audience: Type.Optional(
      text({
        minLength: 1,
        maxLength: longestName,
        example: 'order-mailer.default.svc',
        description:
          '`service-account`: the audience (`aud`) of the token, which the function checks. `oauthbearer`: the audience to request, if the provider requires one.',
      }),
    ),
  },
);

// The fields `spec.function.tls` and `spec.function.authentication` of a Trigger: how a function is called where its address alone does
// not do. What is secret stands in Secrets of the namespace of the trigger.
import { Type } from 'typebox';
import { mapping, text } from './schema-notes.ts';
import { oauthFields, secretValue } from './secret-schema.ts';

const naming = { kind: 'Trigger', secretName: 'order-mailer', client: 'order-mailer' };

export const functionTlsSchema = mapping(
  {
    description:
      'Requests go by https, also to the pods of `ref` and `service`. A `uri` with https needs it only for what is said here.',
    example: { ca: { secretName: 'order-mailer-tls' } },
  },
  {
    ca: Type.Optional(
      secretValue(
        { ...naming, secretName: 'order-mailer-tls' },
        'The authorities to trust, PEM, one or several. Absent: those that Node.js knows, as browsers do.',
        'ca.crt',
      ),
    ),
    certificate: Type.Optional(
      secretValue(
        naming,
        'The certificate to show, PEM, followed by those that lead to an authority. With `key`.',
        'tls.crt',
      ),
    ),
    key: Type.Optional(secretValue(naming, 'Its key, PEM.', 'tls.key')),
    keyPassword: Type.Optional(secretValue(naming, 'What an encrypted key is opened with.', 'password')),
    serverName: Type.Optional(
      text({
        format: 'dns-name',
        example: 'order-mailer.default.svc',
        description:
          'The name that the certificate of the function must be for. Default: `<function>.<namespace>.svc`, with the name of the `ref` or ' +
          '`service`; the host of the `uri`.',
      }),
    ),
  },
);

export const functionAuthenticationTypes = ['service-account', 'oauthbearer'] as const;

export const functionAuthenticationSchema = mapping(
  {
    description: 'By what token a function knows who calls: it comes with each request, as `authorization`.',
    example: {
      type: 'service-account',
      serviceAccountName: 'orders-caller',
      audience: 'order-mailer.default.svc',
    },
  },
  {
    type: Type.Enum([...functionAuthenticationTypes], {
      description:
        '`service-account` shows a token of a ServiceAccount of the namespace, made for one audience; `oauthbearer` one of an OAuth 2.0 or OpenID Connect provider.',
      example: 'service-account',
    }),
    serviceAccountName: Type.Optional(
      text({
        format: 'dns-name',
        example: 'orders-caller',
        description: '`service-account`: a ServiceAccount in the namespace of the Trigger.',
      }),
    ),
    ...oauthFields(naming),
    audience: Type.Optional(
      text({
        minLength: 1,
        example: 'order-mailer.default.svc',
        description:
          '`service-account`: whom the token is for, which the function compares. `oauthbearer`: the same, where the provider asks.',
      }),
    ),
  },
);

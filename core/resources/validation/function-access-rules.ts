// The rules between the fields `tls`, `authentication` and `uri` of a Trigger's function: TLS fields come in pairs, and neither TLS
// settings nor tokens go with a `uri` of plain http.
import { authenticationRules, oauthFieldNames } from './authentication-rules.ts';
import type { functionAuthenticationTypes } from '../schema/function-access-schema.ts';
import { isMapping, valueAt } from '../../contract/path.ts';
import { invalid, type Mistake } from '../../contract/manifest-problem.ts';
import type { Wording } from './wording.ts';

type FunctionAuthenticationType = (typeof functionAuthenticationTypes)[number];

/** The fields of each type, besides `type`. The rules in the CRD are made from it too. */
export const functionFieldsOfType = {
  'service-account': { required: ['serviceAccountName', 'audience'], optional: [] },
  oauthbearer: oauthFieldNames,
} as const satisfies Readonly<Record<FunctionAuthenticationType, unknown>>;

/** Field of `tls` → the field that it requires. */
export const tlsPairs = { certificate: 'key', key: 'certificate', keyPassword: 'key' } as const;

const at = ['spec', 'function'];

const examples: Readonly<Record<string, unknown>> = {
  serviceAccountName: 'orders-caller',
  audience: 'order-mailer.default.svc',
  tokenEndpoint: 'https://sso.example.com/token',
};

/** The mistakes between fields. `declared` may have other mistakes too. */
export function functionAccessRules(declared: unknown, wording: Wording): Mistake[] {
  const authentication = { at: [...at, 'authentication'], fieldsOfType: functionFieldsOfType, examples };
  return [
    ...onlyOverTls(declared),
    ...wholePairs(declared, wording),
    ...authenticationRules(declared, { ...authentication, wording }),
  ];
}

/** Within a cluster a token may be sent without TLS, because the network of the installation is trusted. To a `uri` it may not. */
function onlyOverTls(declared: unknown): Mistake[] {
  const uri = valueAt(declared, [...at, 'uri']);
  if (typeof uri !== 'string' || !/^http:/i.test(uri)) return [];
  return ['tls', 'authentication']
    .filter((name) => valueAt(declared, [...at, name]) !== undefined)
    .map((name) =>
      invalid(
        [...at, name],
        'key',
        'requires https, but the uri has http',
        `Write a uri that begins with https://, or leave ${name} out.`,
      ),
    );
}

function wholePairs(declared: unknown, wording: Wording): Mistake[] {
  const tls = valueAt(declared, [...at, 'tls']);
  if (!isMapping(tls)) return [];
  return Object.entries(tlsPairs)
    .filter(([name, other]) => Object.hasOwn(tls, name) && !Object.hasOwn(tls, other))
    .map(([name, other]) => {
      const place = [...at, 'tls', other];
      const remedy = `Write ${wording.example(place, { secretName: 'order-mailer' })}.`;
      return invalid(place, 'value', `is missing: ${name} requires it`, remedy);
    });
}

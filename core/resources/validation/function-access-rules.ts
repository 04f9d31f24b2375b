// What must hold between the fields by which a Trigger says how its function is called: nothing that it asks for goes over plain http to
// where a `uri` leads.
import { authenticationRules, oauthFieldNames } from './authentication-rules.ts';
import type { functionAuthenticationTypes } from '../schema/function-access-schema.ts';
import { isMapping, valueAt } from '../../contract/path.ts';
import { invalid, type Mistake } from '../../contract/problem.ts';
import type { Wording } from './wording.ts';

type FunctionAuthenticationType = (typeof functionAuthenticationTypes)[number];

/** What each type asks for, besides `type`. The rules in the CRD are made of it too. */
export const functionFieldsOfType = {
  'service-account': { required: ['serviceAccountName', 'audience'], optional: [] },
  oauthbearer: oauthFieldNames,
} as const satisfies Readonly<Record<FunctionAuthenticationType, unknown>>;

/** Fields of `tls`, and the one that each means nothing without. */
export const tlsPairs = { certificate: 'key', key: 'certificate', keyPassword: 'key' } as const;

const at = ['spec', 'function'];

const examples: Readonly<Record<string, unknown>> = {
  serviceAccountName: 'orders-caller',
  audience: 'order-mailer.default.svc',
  tokenEndpoint: 'https://sso.example.com/token',
};

/** The mistakes between fields. `declared` may have others. */
export function functionAccessRules(declared: unknown, wording: Wording): Mistake[] {
  const authentication = { at: [...at, 'authentication'], fieldsOfType: functionFieldsOfType, examples };
  return [
    ...overTls(declared),
    ...wholePairs(declared, wording),
    ...authenticationRules(declared, { ...authentication, wording }),
  ];
}

/** Within a cluster a token may go without TLS, as the installation's network is trusted with it; elsewhere not. */
function overTls(declared: unknown): Mistake[] {
  const uri = valueAt(declared, [...at, 'uri']);
  if (typeof uri !== 'string' || !/^http:/i.test(uri)) return [];
  return ['tls', 'authentication']
    .filter((name) => valueAt(declared, [...at, name]) !== undefined)
    .map((name) =>
      invalid(
        [...at, name],
        'key',
        'asks for https, and the uri has http',
        'Write a uri with https, or leave it out.',
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
      return invalid(place, 'value', `is missing, which ${name} asks for`, remedy);
    });
}

import t from 'tap';
import { functionAccessRules } from '../../../../core/resources/validation/function-access-rules.ts';
import {
  functionAuthenticationSchema,
  functionTlsSchema,
} from '../../../../core/resources/schema/function-access-schema.ts';
import { triggerWording } from '../../../../core/resources/validation/wording.ts';

t.test('what is between the fields is left to the rules; the examples keep them', async (t) => {
  t.strictSame(functionTlsSchema.required, undefined);
  t.strictSame(functionAuthenticationSchema.required, ['type']);
  const [tls, authentication] = [functionTlsSchema, functionAuthenticationSchema].map(
    (schema) => (schema as { example?: unknown }).example,
  );
  t.strictSame(functionAccessRules({ spec: { function: { tls, authentication } } }, triggerWording), []);
});

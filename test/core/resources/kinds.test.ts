import t from 'tap';
import * as kinds from '../../../core/resources/kinds.ts';

for (const [name, { apiVersion, kind, plural }] of Object.entries(kinds)) {
  t.test(`${kind} is named as the API server names it`, async (t) => {
    t.equal(name.toLowerCase(), `${kind}Kind`.toLowerCase());
    t.match(apiVersion, /^(?:[a-z0-9.]+\/)?v1(?:alpha1)?$/);
    t.equal(plural, `${kind.toLowerCase()}s`);
  });
}

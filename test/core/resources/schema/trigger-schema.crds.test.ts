import { readFileSync } from 'node:fs';
import t from 'tap';
import { renderCrds } from '../../../../.build/crds.ts';

for (const [path, text] of renderCrds()) {
  t.test(`${path} says what the code says; otherwise: npm run generate:crds`, async (t) => {
    t.equal(readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8'), text);
  });
}

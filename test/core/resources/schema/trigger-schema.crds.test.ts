import { readFileSync } from 'node:fs';
import t from 'tap';
import { parse } from 'yaml';
import { renderCrds } from '../../../../.build/crds.ts';

for (const [path, text] of renderCrds()) {
  t.test(`${path} says what the code says; otherwise: npm run generate:crds`, async (t) => {
    t.equal(readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8'), text);
  });
}

interface Explained {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Explained>>;
  readonly items?: Explained;
  readonly maxItems?: number;
}

/** Each field below, as `kubectl explain` names it. */
function explained(above: string, { properties, items }: Explained): [path: string, field: Explained][] {
  const below = Object.entries(properties ?? {}).flatMap(([name, field]): [string, Explained][] => [
    [`${above}.${name}`, field],
    ...explained(`${above}.${name}`, field),
  ]);
  return [...below, ...(items === undefined ? [] : explained(above, items))];
}

for (const [path, text] of renderCrds()) {
  t.test(`${path}: kubectl explain says of every field what it is, and what is right in it`, async (t) => {
    const { spec } = parse(text) as { spec: { names: { singular: string }; versions: readonly [Version] } };
    const fields = explained(spec.names.singular, spec.versions[0].schema.openAPIV3Schema);
    t.ok(fields.length > 30);
    for (const [name, { description = '', type, properties, maxItems }] of fields) {
      if (name.endsWith('.metadata')) continue;
      t.match(description, /^[A-Z`].*\.$/, name);
      const isLeaf =
        name.includes('.spec.') && type !== 'boolean' && properties === undefined && maxItems !== 0;
      if (isLeaf && type !== 'object') t.match(description, / Must be .+\./, name);
    }
  });
}

interface Version {
  readonly schema: { readonly openAPIV3Schema: Explained };
}

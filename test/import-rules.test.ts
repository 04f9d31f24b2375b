// The import rules themselves: a tree that keeps them has no violation, and each rule finds its own. Both trees are generated from the
// table of rooms, like the rules.
import { createRequire } from 'node:module';
import { cruise, type ICruiseResult, type IConfiguration } from 'dependency-cruiser';
import t from 'tap';

const require = createRequire(import.meta.url);
const rules = require('../.dependency-cruiser.cjs') as IConfiguration;
const { rooms, packages } = require('../.build/rooms.cjs') as {
  rooms: Record<string, { owns: string; imports?: readonly string[] }>;
  packages: Record<string, readonly string[]>;
};
const ruled = Object.entries(rooms).flatMap(([room, { imports }]) =>
  imports === undefined ? [] : { room, imports },
);
const planes = ['core', 'gateway', 'scaler', 'controller', 'cli'];

/** A tree of folders from the paths of its files. */
function treeOf(files: Readonly<Record<string, string>>): Record<string, never> {
  const tree: Record<string, unknown> = {};
  for (const [path, text] of Object.entries(files)) {
    const folders = path.split('/');
    const name = folders.pop() ?? '';
    let folder = tree;
    for (const one of folders) folder = (folder[one] ??= {}) as Record<string, unknown>;
    folder[name] = text;
  }
  return tree as Record<string, never>;
}

/** A file of `room` that imports those of `others`, which all have one that imports nothing. */
const imports = (room: string, others: readonly string[]): string =>
  others
    .map((other, index) => {
      const up = '../'.repeat(room.split('/').length);
      return `export { one as one${index} } from '${up}${other.endsWith('.ts') ? other : `${other}/one.ts`}';\n`;
    })
    .join('');

const nothing = Object.fromEntries(
  [
    ...Object.keys(rooms).map((room) => `${room}/one.ts`),
    ...ruled.flatMap((room) => room.imports.filter((one) => one.endsWith('.ts'))),
  ].map((path) => [path, 'export const one = 1;\n']),
);

async function violations(baseDir: string, folders: readonly string[]): Promise<string[]> {
  const { exclude: _, tsConfig: __, ...options } = rules.options ?? {};
  const { output } = await cruise([...folders], {
    ...options,
    baseDir,
    validate: true,
    ruleSet: { forbidden: rules.forbidden ?? [] },
  });
  return (output as ICruiseResult).summary.violations.map(({ rule }) => rule.name);
}

t.test('a tree that keeps the rules has no violation', async (t) => {
  const kept = Object.fromEntries(
    ruled.map(({ room, imports: allowed }) => [`${room}/two.ts`, imports(room, allowed)]),
  );
  const tests = { 'test/main.test.ts': `${imports('test', ['gateway'])}import 'fast-check';\n` };
  const baseDir = t.testdir(treeOf({ ...nothing, ...kept, ...tests }));
  t.strictSame(await violations(baseDir, [...planes, 'test']), []);
});

t.test('every rule finds its violation', async (t) => {
  const crossing = ruled.map(({ room, imports: allowed }) => {
    const mayImport = (other: string): boolean =>
      [room, ...allowed].some((one) => other === one || other.startsWith(`${one}/`));
    const foreign = Object.keys(rooms).find((other) => !mayImport(other));
    return [`${room}/two.ts`, imports(room, foreign === undefined ? [] : [foreign])];
  });
  const foreignPackages = Object.keys(packages).map((name, index) => {
    const one = /^\(([^|]+)\|/.exec(name)?.[1] ?? name;
    return [`gateway/settlement/package${index}.ts`, `import '${one}';\n`];
  });
  const others = {
    'gateway/events/a.ts': "export { b } from './b.ts';\nexport const a = 1;\n",
    'gateway/events/b.ts': "export { a } from './a.ts';\nexport const b = 1;\n",
    'core/contract/io.ts': "import 'node:fs';\n",
    'scaler/main.ts': 'export const one = 1;\n',
    'scaler/starts.ts': "export { one } from './main.ts';\n",
    'gateway/tests.ts': "export { one } from '../test/one.ts';\n",
    'gateway/development.ts': "import 'fast-check';\n",
    'gateway/absent.ts': "import './nowhere.ts';\n",
    'test/one.ts': 'export const one = 1;\n',
  };
  const baseDir = t.testdir(
    treeOf({
      ...nothing,
      ...Object.fromEntries(crossing),
      ...Object.fromEntries(foreignPackages),
      ...others,
    }),
  );
  const found = new Set(await violations(baseDir, [...planes, 'test']));
  const wanted = (rules.forbidden ?? []).map(({ name }) => name);
  t.strictSame([...found].sort(), wanted.sort());
});

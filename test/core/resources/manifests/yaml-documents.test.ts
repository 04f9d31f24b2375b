import fc from 'fast-check';
import t from 'tap';
import { stringify } from 'yaml';
import { parseYaml } from '../../../../core/resources/manifests/yaml-documents.ts';
import { mark, planted } from '../../../fixtures/secrets/planted.ts';

const read = (text: string) => parseYaml({ file: 'a.yaml', text });

t.test('every document of a file', async (t) => {
  const { documents, problems } = read('a: 1\n---\n# nothing\n---\n- b\n---\n');
  t.strictSame(problems, []);
  t.strictSame(
    documents.map(({ value }) => value),
    [{ a: 1 }, null, ['b'], null],
  );
  t.strictSame(read('').documents, []);
});

const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]', 'b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]']
  .concat('c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]', 'd: [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]')
  .join('\n');
const refused: readonly [
  what: string,
  text: string,
  line: number,
  column: number,
  message: RegExp,
  remedy: RegExp,
][] = [
  ['a list without its end', 'a: 1\nb: [1, 2\nc: 3\n', 3, 1, /cannot be read as YAML/, /Correct the YAML/],
  ['a key that stands twice', 'a:\n  b: 1\n  b: 2\n', 3, 3, /Map keys must be unique/, /Keep one/],
  ['a tab', 'a:\n\tb: 1\n', 2, 1, /Tabs are not allowed/, /Indent with spaces/],
  ['a key that is a list', '? [a]\n: b\n', 1, 3, /must be strings/, /plain word/],
  ['an alias without its anchor', 'a: 1\nb: *c\n', 1, 1, /Unresolved alias/, /Write the values out/],
  ['aliases of aliases', bomb, 1, 1, /Excessive alias count/, /Write the values out/],
  ['a merge of what is no mapping', 'a: 1\n<<: 2\n', 1, 1, /Merge/, /Write the values out/],
  ['a list in itself', '&a [*a, *a]', 1, 1, /contains itself/, /Nest less deeply/],
  ['a mapping in itself', 'a: &a\n  b: *a\n  c: *a\n', 1, 1, /contains itself/, /Nest less deeply/],
  ['a deep list', `${'['.repeat(101)}${']'.repeat(101)}`, 1, 1, /more than 100 deep/, /Nest less deeply/],
];
for (const [what, text, line, column, message, remedy] of refused) {
  t.test(`${what} is refused`, async (t) => {
    const { documents, problems } = read(text);
    t.strictSame(documents, []);
    t.match(problems, [
      { code: 'MILLRACE_MANIFEST_INVALID', file: 'a.yaml', path: '', line, column, message, remedy },
    ]);
  });
}

t.test('what would overflow the stack is refused', async (t) => {
  const { documents, problems } = read('['.repeat(50_000));
  t.strictSame(documents, []);
  t.ok(problems.some(({ remedy }) => remedy === 'Nest less deeply.'));
});

t.test('what a mistake is in is not told with it, for it may be a Secret', async () => {
  const secret = planted('a');
  const sign = fc.constantFrom(
    ...Array.from('*&!|>%@`"\'{}[],:#?- \n\\'),
    '<<: ',
    '\n  ',
    ': ',
    '"\\x',
    '"\\u',
    '\n%',
    '\n...\n',
    '!!int ',
    '!!map ',
    'a',
  );
  const around = fc.array(sign, { maxLength: 4 }).map((signs) => signs.join(''));
  fc.assert(
    fc.property(around, around, around, (before, between, after) => {
      const { problems } = read(
        `kind: Secret\nstringData:\n  password: ${before}${secret}${between}${secret}${after}\n`,
      );
      return !JSON.stringify(problems).includes(mark);
    }),
    { numRuns: 1_000 },
  );
});

t.test('a wrong document leaves the others be', async (t) => {
  const { documents, problems } = read('a: [\n---\nb: 1\n');
  t.strictSame(
    documents.map(({ value }) => value),
    [{ b: 1 }],
  );
  t.equal(problems.length, 1);
});

const text = `# a comment
a:
  b: 1
  list:
    - x
    - { c: 2, d }
  empty:
base: &base
  e: 3
alias: *base
merged:
  <<: *base
  f: 4
`;
for (const [path, on, line, column] of [
  [[], 'value', 2, 1],
  [['a'], 'key', 2, 1],
  [['a'], 'value', 3, 3],
  [['a', 'b'], 'key', 3, 3],
  [['a', 'b'], 'value', 3, 6],
  [['a', 'list', 0], 'value', 5, 7],
  [['a', 'list', 0], 'key', 5, 7],
  [['a', 'list', 1, 'c'], 'value', 6, 12],
  [['a', 'list', 1, 'd'], 'value', 6, 15],
  [['a', 'list', 7], 'value', 4, 3],
  [['a', 'empty'], 'value', 7, 3],
  [['a', 'empty', 'below'], 'value', 7, 3],
  [['a', 'missing'], 'value', 2, 1],
  [['a', 'b', 'below'], 'value', 3, 3],
  [['alias', 'e'], 'value', 9, 6],
  [['merged', 'f'], 'value', 13, 6],
  [['merged', 'e'], 'value', 11, 1],
  [['missing', 'too'], 'value', 2, 1],
] as const) {
  t.test(`the ${on} at ${path.join('.')} stands at ${line}:${column}`, async (t) => {
    const [document] = read(text).documents;
    t.strictSame(document?.locate(path, on), { line, column });
  });
}

t.test('lines are counted through the whole file', async (t) => {
  const { documents } = read('a: 1\n---\n\nb: 2\n');
  t.strictSame(documents[1]?.locate(['b'], 'value'), { line: 4, column: 4 });
  t.equal(read('---\n').documents[0]?.locate([], 'value').line, 1);
});

t.test('what was written is read, wherever it stands', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const { documents, problems } = read(stringify(value, { aliasDuplicateObjects: false }));
      t.strictSame(problems, []);
      t.equal(JSON.stringify(documents[0]?.value), JSON.stringify(value));
    }),
  );
});

t.test('no text is too strange', async (t) => {
  const token = fc.constantFrom(
    ...[
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '&a ',
      '*a',
      '[',
      ']',
      '{',
      '}',
      ',',
      '"',
      '---\n',
      '? ',
      '<<',
      '!t ',
      '|',
      '\t',
      '#',
    ],
  );
  const strange = fc.oneof(
    fc.string(),
    fc.array(token, { maxLength: 30 }).map((tokens) => tokens.join('')),
  );
  fc.assert(
    fc.property(strange, (text) => {
      const { documents, problems } = read(text);
      for (const { line, column } of problems)
        t.ok(Number(line) >= 1 && Number(column) >= 1, JSON.stringify(text));
      for (const { locate } of documents) {
        const { line, column } = locate(['a', 0], 'value');
        t.ok(line >= 1 && column >= 1, JSON.stringify(text));
      }
    }),
    { numRuns: 1000 },
  );
});

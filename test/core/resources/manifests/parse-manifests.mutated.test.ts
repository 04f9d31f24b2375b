// Manifests that were right, and then something happened to their text.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { formatProblem } from '../../../../core/contract/manifest-problem.ts';
import { parseManifests } from '../../../../core/resources/manifests/parse-manifests.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const texts = globSync('functions-examples/**/*.yaml', { cwd: root, exclude: ['**/node_modules/**'] }).map(
  (file) => readFileSync(root + file, 'utf8'),
);
const cluster = `apiVersion: millrace.dev/v1alpha1
kind: KafkaCluster
metadata: { name: main, namespace: geo }
spec:
  bootstrapServers: kafka:9093
  tls: { ca: { secretName: ca } }
  authentication: { type: scram-sha-512, username: geo, password: { secretName: geo } }
`;

/** Takes `length` characters away at a place (0 to 1), and puts `inserted` there, or what stands at another place. */
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat(40),
  inserted: fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '\n',
      '\n  ',
      ': ',
      '- ',
      '*a',
      '&a ',
      '<<: ',
      '!!binary ',
      '"',
      '\t',
      '1e999',
      '~',
      '\u0000',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.record({ from: fc.double({ min: 0, max: 1, noNaN: true }), length: fc.nat(200) }),
  ),
});

type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutate(text: string, { at, length, inserted }: Mutation): string {
  const start = Math.floor(at * text.length);
  const from = typeof inserted === 'string' ? 0 : Math.floor(inserted.from * text.length);
  const put = typeof inserted === 'string' ? inserted : text.slice(from, from + inserted.length);
  return text.slice(0, start) + put + text.slice(start + length);
}

t.test('a manifest that was right is right, reported with its place, or no manifest any more', async (t) => {
  const checkExpression = () => undefined;
  t.ok(texts.length >= 3);
  for (const text of [...texts, cluster])
    t.strictSame(parseManifests([{ file: 'a.yaml', text }], checkExpression).problems, []);
  fc.assert(
    fc.property(
      fc.constantFrom(...texts, cluster),
      fc.array(mutation, { minLength: 1, maxLength: 4 }),
      (original, mutations) => {
        const text = mutations.reduce(mutate, original);
        const { problems } = parseManifests([{ file: 'a.yaml', text }], checkExpression);
        const untold = problems
          .map(formatProblem)
          .filter((line) => !/^a\.yaml:[1-9]\d*:[1-9]\d*[^\n]*$/.test(line));
        t.strictSame(untold, []);
      },
    ),
    { numRuns: 500 },
  );
});

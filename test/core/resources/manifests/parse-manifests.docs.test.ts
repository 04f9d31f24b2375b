import { globSync, readFileSync } from 'node:fs';
import t from 'tap';
import { formatProblem } from '../../../../core/contract/manifest-problem.ts';
import { parseManifests } from '../../../../core/resources/manifests/parse-manifests.ts';
import { checkExpression } from '../../../../core/expressions/compile-expression.ts';

const root = new URL('../../../../', import.meta.url);

t.test('every manifest that the documentation shows is right', (t) => {
  const pages = globSync(['README.md', 'docs/**/*.md', 'functions-examples/**/*.md'], { cwd: root });
  const shown = pages.flatMap((page) => {
    const blocks = readFileSync(new URL(page, root), 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms);
    return [...blocks].map(([, text = '']) => ({ file: page, text }));
  });
  const manifests = shown.filter(({ text }) => text.includes('apiVersion: millrace.dev/'));
  t.not(manifests.length, 0);
  for (const manifest of manifests) {
    const { problems } = parseManifests([manifest], checkExpression);
    t.strictSame(problems.map(formatProblem), [], `${manifest.file}: ${manifest.text.slice(0, 120)}`);
  }
  t.end();
});

// What is made of the chart's values: its README, and the defaults that its templates use.
import { readFile } from 'node:fs/promises';
import t from 'tap';
import { parse } from 'yaml';
import { renderChart, valuesOf } from '../../.build/chart.ts';

t.test('the README and the defaults of the chart are current (`npm run docs:chart`)', async (t) => {
  for (const [path, text] of renderChart()) t.equal(await readFile(path, 'utf8'), text, path);
  const values = parse(await readFile('charts/millrace/values.yaml', 'utf8'));
  t.strictSame(parse(renderChart().get('charts/millrace/files/defaults.yaml')!), values);
});

t.test('a value has its path, its default and the remark that begins with two dashes', async (t) => {
  const text = `# About the file.

# -- Whether to.
enabled: true
kafka:
  # Not for users.
  # -- Where it is,
  # with its port.
  servers: 'a|b'
  limits: {}
resources:
  limits: { memory: 1Mi }
list: [a]
`;
  t.strictSame(valuesOf(text), [
    { path: 'enabled', fallback: 'true', description: 'Whether to.' },
    { path: 'kafka.servers', fallback: '"a|b"', description: 'Where it is, with its port.' },
    { path: 'kafka.limits', fallback: '{}', description: '' },
    { path: 'resources', fallback: '{"limits":{"memory":"1Mi"}}', description: '' },
    { path: 'list', fallback: '["a"]', description: '' },
  ]);
});

t.test('values that are no map are refused', async (t) => {
  t.throws(() => valuesOf('[a]'), /no map/);
});

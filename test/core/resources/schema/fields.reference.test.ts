import { readFileSync } from 'node:fs';
import t from 'tap';
import { renderReference } from '../../../../.build/reference.ts';
import { reasonTable } from '../../../../controller/plan/conditions/reasons.ts';
import { annotationTable } from '../../../../core/resources/annotations.ts';
import { gatewaySettings } from '../../../../gateway/config.ts';
import { scalerSettings } from '../../../../scaler/config.ts';
import { errorTable } from '../../../../core/contract/errors.ts';
import { fieldTable } from '../../../../core/resources/schema/fields.ts';

const pages = renderReference();

for (const [path, text] of pages) {
  t.test(`${path} says what the code says; otherwise: npm run docs:reference`, async (t) => {
    t.equal(readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8'), text);
  });
}

t.test('the pages list every field, annotation and code', async (t) => {
  for (const { path } of fieldTable) t.match(pages.get('docs/reference/trigger.md'), `\`${path}\``);
  for (const { key } of annotationTable) t.match(pages.get('docs/reference/annotations.md'), `\`${key}\``);
  for (const code of Object.keys(errorTable)) t.match(pages.get('docs/reference/errors.md'), `\`${code}\``);
  for (const reason of Object.keys(reasonTable))
    t.match(pages.get('docs/reference/conditions.md'), `| \`${reason}\` |`);
});

t.test('the page of settings lists every variable that the planes read', async (t) => {
  const page = pages.get('docs/reference/configuration.md');
  t.ok(Object.keys(scalerSettings).includes('SCALER_GRPC_PORT'));
  for (const name of [...Object.keys(gatewaySettings), ...Object.keys(scalerSettings)])
    t.match(page, `\`${name}\``);
});

t.test('the page of metrics lists those of both planes', async (t) => {
  const page = pages.get('docs/reference/metrics.md');
  for (const name of ['millrace_settled_records_total', 'millrace_scaler_backlog_records'])
    t.match(page, `\`${name}\``);
});

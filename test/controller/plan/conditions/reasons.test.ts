import { globSync, readFileSync } from 'node:fs';
import t from 'tap';
import { reasonTable } from '../../../../controller/plan/conditions/reasons.ts';

/** Named by templates: `${resource}NotOurs`, `${resource}Refused`. */
const byTemplate = /^(ConfigMap|TriggerAuthentication)(NotOurs|Refused)$/;

t.test('each reason is given somewhere, so that no page describes one that does not exist', async (t) => {
  const sources = globSync(['controller/**/*.ts', 'core/resources/*.ts'])
    .filter((path) => !path.endsWith('-reasons.ts'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  for (const reason of Object.keys(reasonTable))
    t.ok(byTemplate.test(reason) || sources.includes(`'${reason}'`), reason);
});

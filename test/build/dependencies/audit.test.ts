import t from 'tap';
import { checkAudit, parseAudit, type AuditAnswer } from '../../../.build/dependencies/audit.ts';

const today = '2026-11-24';
const clean: AuditAnswer = { kind: 'report', advisories: [] };
const planted = {
  id: 'GHSA-aaaa-bbbb-cccc',
  package: 'leaf',
  severity: 'moderate',
  title: 'Leaf falls',
  isProduction: true,
};

function answerOf(change: Partial<typeof planted> = {}): AuditAnswer {
  return { kind: 'report', advisories: [{ ...planted, ...change }] };
}

t.test('an advisory for a production package fails, from moderate on', async (t) => {
  for (const severity of ['moderate', 'high', 'critical', 'apocalyptic']) {
    t.strictSame(checkAudit(answerOf({ severity }), [], today), {
      problems: [`leaf: GHSA-aaaa-bbbb-cccc, ${severity}, in production: Leaf falls`],
      remarks: [],
    });
  }
});

t.test('a mild advisory, or one for a development package, is a remark', async (t) => {
  for (const change of [{ severity: 'low' }, { severity: 'info' }, { isProduction: false }]) {
    const { problems, remarks } = checkAudit(answerOf(change), [], today);
    t.strictSame(problems, []);
    t.match(remarks, [/^leaf: GHSA-aaaa-bbbb-cccc/]);
  }
});

t.test('an exception allows one advisory until the end of its last day', async (t) => {
  const until = (day: string) => [{ id: planted.id, reason: 'Leaf is not called.', until: day }];
  t.strictSame(checkAudit(answerOf(), until(today), today), { problems: [], remarks: [] });
  t.strictSame(checkAudit(answerOf(), until('2026-11-23'), today).problems, [
    'GHSA-aaaa-bbbb-cccc: the exception has ended on 2026-11-23',
  ]);
  t.match(checkAudit(answerOf({ id: 'GHSA-other' }), until('2027-01-31'), today).problems, [
    /^leaf: GHSA-other/,
    /^GHSA-aaaa-bbbb-cccc: an unused exception/,
  ]);
});

t.test('an exception has a reason and a day', async (t) => {
  for (const wrong of [{ reason: ' ' }, { until: 'soon' }, { until: '2027-1-31' }]) {
    const allowed = [{ id: planted.id, reason: 'Leaf is not called.', until: '2027-01-31', ...wrong }];
    t.equal(checkAudit(answerOf(), allowed, today).problems.length, 1);
  }
});

t.test('without an answer only the exceptions are checked, and a remark says so', async (t) => {
  const none = parseAudit('{"message":"405 Method Not Allowed\\nand more"}', {});
  t.strictSame(checkAudit(none, [{ id: 'GHSA-old', reason: 'old', until: '2020-01-01' }], today), {
    problems: ['GHSA-old: the exception has ended on 2020-01-01'],
    remarks: ['advisories were not checked: 405 Method Not Allowed'],
  });
});

t.test('parseAudit returns each advisory of the report once, with its package', async (t) => {
  const url = 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc';
  const via = { source: 1, name: 'leaf', url, title: 'Leaf falls', severity: 'high', range: '<2' };
  const report = {
    vulnerabilities: {
      leaf: { via: [via], nodes: ['node_modules/leaf', 'node_modules/tool/node_modules/leaf'] },
      twig: { via: ['leaf'], nodes: ['node_modules/twig'] },
    },
  };
  const advisoriesWith = (lock: Parameters<typeof parseAudit>[1]) => parseAudit(JSON.stringify(report), lock);
  const nested = { 'node_modules/tool/node_modules/leaf': { dev: true } };
  t.strictSame(advisoriesWith({ ...nested, 'node_modules/leaf': {} }), answerOf({ severity: 'high' }));
  t.strictSame(
    advisoriesWith({ ...nested, 'node_modules/leaf': { dev: true } }),
    answerOf({ severity: 'high', isProduction: false }),
  );
  t.strictSame(parseAudit('{"vulnerabilities":{}}', {}), clean);
});

t.test('parseAudit takes any other output for no report', async (t) => {
  for (const [output, reason] of [
    ['', 'npm audit wrote no report'],
    ['null', 'npm audit wrote no report'],
    ['{"error":{"summary":"offline"}}', 'offline'],
    ['{"message":"","error":{"summary":""}}', 'npm audit wrote no report'],
  ] as const) {
    t.strictSame(parseAudit(output, {}), { kind: 'none', reason });
  }
});

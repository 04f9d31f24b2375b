import t from 'tap';
import { judgeAudit, parseAudit, type AuditAnswer } from '../../../.build/dependencies/audit.ts';

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

t.test('an advisory for what runs in production fails, from moderate on', async (t) => {
  for (const severity of ['moderate', 'high', 'critical', 'apocalyptic']) {
    t.strictSame(judgeAudit(answerOf({ severity }), [], today), {
      problems: [`leaf: GHSA-aaaa-bbbb-cccc, ${severity}, in production: Leaf falls`],
      remarks: [],
    });
  }
});

t.test('a mild one, and one for development, is told', async (t) => {
  for (const change of [{ severity: 'low' }, { severity: 'info' }, { isProduction: false }]) {
    const { problems, remarks } = judgeAudit(answerOf(change), [], today);
    t.strictSame(problems, []);
    t.match(remarks, [/^leaf: GHSA-aaaa-bbbb-cccc/]);
  }
});

t.test('an exception lets one advisory pass, to the end of its last day', async (t) => {
  const until = (day: string) => [{ id: planted.id, reason: 'Leaf is not called.', until: day }];
  t.strictSame(judgeAudit(answerOf(), until(today), today), { problems: [], remarks: [] });
  t.strictSame(judgeAudit(answerOf(), until('2026-11-23'), today).problems, [
    'GHSA-aaaa-bbbb-cccc: was let pass until 2026-11-23, which is over',
  ]);
  t.match(judgeAudit(answerOf({ id: 'GHSA-other' }), until('2027-01-31'), today).problems, [
    /^leaf: GHSA-other/,
    /^GHSA-aaaa-bbbb-cccc: an exception that nothing needs/,
  ]);
});

t.test('an exception has a reason and a day', async (t) => {
  for (const wrong of [{ reason: ' ' }, { until: 'soon' }, { until: '2027-1-31' }]) {
    const allowed = [{ id: planted.id, reason: 'Leaf is not called.', until: '2027-01-31', ...wrong }];
    t.equal(judgeAudit(answerOf(), allowed, today).problems.length, 1);
  }
});

t.test('without an answer, the exceptions alone are judged, and it is said', async (t) => {
  const none = parseAudit('{"message":"405 Method Not Allowed\\nand more"}', {});
  t.strictSame(judgeAudit(none, [{ id: 'GHSA-old', reason: 'old', until: '2020-01-01' }], today), {
    problems: ['GHSA-old: was let pass until 2020-01-01, which is over'],
    remarks: ['advisories were not looked up: 405 Method Not Allowed'],
  });
});

t.test('the report of npm names each advisory once, and what it concerns', async (t) => {
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

t.test('anything else is no report', async (t) => {
  for (const [output, reason] of [
    ['', 'npm audit wrote no report'],
    ['null', 'npm audit wrote no report'],
    ['{"error":{"summary":"offline"}}', 'offline'],
    ['{"message":"","error":{"summary":""}}', 'npm audit wrote no report'],
  ] as const) {
    t.strictSame(parseAudit(output, {}), { kind: 'none', reason });
  }
});

import t from 'tap';
import { createHeaderRoles, type HeaderRole } from '../../../gateway/events/header-roles.ts';

t.test('what each name means', (t) => {
  const cases: [name: string, role: HeaderRole][] = [
    [
      'ce_id',
      { kind: 'core', attribute: 'id', required: true, repeated: false, carriedAs: 'kafkaheaderceid' },
    ],
    [
      'ce_Type',
      { kind: 'core', attribute: 'type', required: true, repeated: true, carriedAs: 'kafkaheadercetype' },
    ],
    [
      'ce_time',
      { kind: 'core', attribute: 'time', required: false, repeated: false, carriedAs: 'kafkaheadercetime' },
    ],
    ['ce_Region', { kind: 'extension', attribute: 'region', carriedAs: 'kafkaheaderceregion' }],
    [
      'ce_traceparent',
      { kind: 'extension', attribute: 'traceparent', carriedAs: 'kafkaheadercetraceparent' },
    ],
    ['ce_kafkaoffset', { kind: 'owned', carriedAs: 'kafkaheadercekafkaoffset' }],
    ['ce_foo-bar', { kind: 'invalid', carriedAs: 'kafkaheadercefoobar' }],
    ['ce_data', { kind: 'invalid', carriedAs: 'kafkaheadercedata' }],
    ['ce_', { kind: 'invalid', carriedAs: 'kafkaheaderce' }],
    ['CE_id', { kind: 'other', carriedAs: 'kafkaheaderceid' }],
    ['Content-Type', { kind: 'content-type', carriedAs: 'kafkaheadercontenttype' }],
    ['TraceState', { kind: 'trace', attribute: 'tracestate', carriedAs: 'kafkaheadertracestate' }],
    ['traceparent', { kind: 'trace', attribute: 'traceparent', carriedAs: 'kafkaheadertraceparent' }],
    ['Host', { kind: 'other', carriedAs: 'kafkaheaderhost' }],
    ['größe_1', { kind: 'other', carriedAs: 'kafkaheadergre1' }],
    ['', { kind: 'other', carriedAs: 'kafkaheader' }],
  ];
  const roleOf = createHeaderRoles();
  for (const [name, role] of cases) t.strictSame(roleOf(name), role, name);
  t.end();
});

t.test('a thousand names are kept, the others worked out again', (t) => {
  const roleOf = createHeaderRoles();
  const first = roleOf('name-0');
  for (let n = 1; n < 1_000; n += 1) roleOf(`name-${n}`);
  t.equal(roleOf('name-0'), first);
  t.not(roleOf('name-1000'), roleOf('name-1000'));
  t.strictSame(roleOf('name-1000'), { kind: 'other', carriedAs: 'kafkaheadername1000' });
  t.end();
});

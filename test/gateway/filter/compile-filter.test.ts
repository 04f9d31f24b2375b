import fc from 'fast-check';
import t from 'tap';
import { attributeOf, type CloudEvent } from '../../../core/contract/event.ts';
import type { FilterFault } from '../../../core/contract/gateway-events.ts';
import type { Filter } from '../../../core/contract/subscription.ts';
import { compileFilter } from '../../../gateway/filter/compile-filter.ts';

const event: CloudEvent = {
  id: 'a-1',
  source: '/orders/eu',
  type: 'com.example.order.created',
  subject: 'order-7',
  time: '2024-05-06T07:08:09Z',
  datacontenttype: 'application/json',
  dataschema: 'urn:x',
  extensions: { kafkapartition: 3, yes: true, empty: '' },
  data: null,
};

const test = (kind: 'exact' | 'prefix' | 'suffix', attributes: Record<string, string>): Filter => ({
  kind,
  attributes,
});
const yes = test('exact', { type: 'com.example.order.created' });
const no = test('exact', { type: 'other' });
const unexpected = (fault: FilterFault): never => {
  throw new Error(`${fault.path} ${fault.code}`);
};

t.test('dialects (CloudEvents Subscriptions API, section 3.2.4)', (t) => {
  const cases: [what: string, filters: Filter[], expected: boolean][] = [
    ['none', [], true],
    ['one', [yes], true],
    ['one that fails', [no], false],
    ['all must pass', [yes, no], false],
    ['all pass', [yes, yes, yes], true],
    ['exact is exact', [test('exact', { type: 'com.example.order' })], false],
    ['exact minds the case', [test('exact', { subject: 'Order-7' })], false],
    ['several attributes', [test('exact', { source: '/orders/eu', subject: 'order-7' })], true],
    ['several attributes, one not', [test('exact', { source: '/orders/eu', subject: 'order-8' })], false],
    ['prefix', [test('prefix', { type: 'com.example.' })], true],
    ['prefix of another', [test('prefix', { type: 'example.' })], false],
    ['suffix', [test('suffix', { type: '.created' })], true],
    ['suffix of another', [test('suffix', { type: '.create' })], false],
    ['id', [test('exact', { id: 'a-1' })], true],
    ['specversion', [test('exact', { specversion: '1.0' })], true],
    ['time', [test('prefix', { time: '2024-' })], true],
    ['datacontenttype', [test('suffix', { datacontenttype: '/json' })], true],
    ['dataschema', [test('prefix', { dataschema: 'urn:' })], true],
    ['a number, as text', [test('exact', { kafkapartition: '3' })], true],
    ['a boolean, as text', [test('exact', { yes: 'true' })], true],
    ['not set', [test('prefix', { region: 'e' })], false],
    ['not set, though objects have it', [test('prefix', { constructor: 'function' })], false],
    ['set to nothing', [test('prefix', { empty: 'x' })], false],
    ['no attributes', [test('exact', {})], true],
    ['all', [{ kind: 'all', filters: [yes, yes] }], true],
    ['all but one', [{ kind: 'all', filters: [yes, no] }], false],
    ['any', [{ kind: 'any', filters: [no, yes] }], true],
    ['any of one', [{ kind: 'any', filters: [yes] }], true],
    ['CESQL', [{ kind: 'cesql', expression: "subject LIKE 'order-%'" }], true],
    ['CESQL, false', [{ kind: 'cesql', expression: "subject = 'order-8'" }], false],
    ['CEL', [{ kind: 'cel', expression: 'kafkapartition == 3' }], true],
    ['CEL, false', [{ kind: 'not', filter: { kind: 'cel', expression: 'data == null' } }], false],
    ['any, none', [{ kind: 'any', filters: [no, no] }], false],
    ['any of nothing', [{ kind: 'any', filters: [] }], false],
    ['not', [{ kind: 'not', filter: no }], true],
    ['not of one that passes', [{ kind: 'not', filter: yes }], false],
    ['not, of what is not set', [{ kind: 'not', filter: test('exact', { region: 'eu' }) }], true],
  ];
  for (const [what, filters, expected] of cases)
    t.equal(compileFilter(filters, unexpected)(event), expected, what);
  const bare: CloudEvent = { id: '1', source: 's', type: 't', extensions: {}, data: null };
  t.notOk(compileFilter([test('prefix', { subject: 'o' })], unexpected)(bare), 'no subject');
  t.end();
});

/** The specification, literally and without regard for speed. */
function evaluate(filter: Filter, of: CloudEvent): boolean {
  switch (filter.kind) {
    case 'all':
      return filter.filters.every((inner) => evaluate(inner, of));
    case 'any':
      return filter.filters.some((inner) => evaluate(inner, of));
    case 'not':
      return !evaluate(filter.filter, of);
    case 'cesql':
    case 'cel':
      throw new Error('none of these');
    default:
      return Object.entries(filter.attributes).every(([name, expected]) => {
        const value = attributeOf(of, name);
        if (value === undefined) return false;
        const text = String(value);
        if (filter.kind === 'exact') return text === expected;
        return filter.kind === 'prefix' ? text.startsWith(expected) : text.endsWith(expected);
      });
  }
}

t.test('trees of filters mean what the specification says', (t) => {
  const attributes = fc.dictionary(
    fc.constantFrom('id', 'source', 'type', 'subject', 'kafkapartition', 'region'),
    fc.constantFrom('a-1', '/orders/eu', 'com.', 'created', 'order-7', '3', 'x'),
    { minKeys: 1, maxKeys: 2 },
  );
  const { filter } = fc.letrec<{ filter: Filter; inner: Filter }>((tie) => ({
    inner: fc.record({ kind: fc.constantFrom('exact', 'prefix', 'suffix'), attributes }),
    filter: fc.oneof(
      { maxDepth: 4 },
      tie('inner'),
      fc.record({
        kind: fc.constantFrom('all', 'any'),
        filters: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('not'), filter: tie('filter') }),
    ),
  }));
  fc.assert(
    fc.property(
      fc.array(filter, { maxLength: 3 }),
      (filters) => compileFilter(filters, unexpected)(event) === filters.every((one) => evaluate(one, event)),
    ),
    { numRuns: 1_000 },
  );
  t.end();
});

t.test('an expression that errs lets nothing pass, and says so each time', (t) => {
  const faults: FilterFault[] = [];
  const cel = { kind: 'cel', expression: "region == 'eu'" } as const;
  const cesql = { kind: 'cesql', expression: "region = 'eu'" } as const;
  const passes = (filters: Filter[]): boolean => compileFilter(filters, (fault) => faults.push(fault))(event);
  t.notOk(passes([cel]));
  t.notOk(passes([yes, { kind: 'all', filters: [{ kind: 'any', filters: [cesql, no] }] }]));
  t.ok(passes([{ kind: 'not', filter: cel }]), 'not of what does not pass');
  t.ok(passes([{ kind: 'any', filters: [yes, cel] }]), 'not asked');
  t.strictSame(faults, [
    { path: 'filters[0]', dialect: 'cel', code: 'missingAttribute' },
    { path: 'filters[1].all[0].any[0]', dialect: 'cesql', code: 'missingAttribute' },
    { path: 'filters[0].not', dialect: 'cel', code: 'missingAttribute' },
  ]);
  t.end();
});

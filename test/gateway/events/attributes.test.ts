import fc from 'fast-check';
import t from 'tap';
import {
  assembleEvent,
  emptyAttributes,
  isCoreName,
  isExtensionName,
  isRepeated,
  isText,
  isTimestamp,
  quoted,
  textOf,
} from '../../../gateway/events/attributes.ts';
import { eventOf } from './build.ts';

t.test('names', (t) => {
  const extensions: [string, boolean][] = [
    ['region', true],
    ['0a9z', true],
    ['constructor', true],
    ['', false],
    ['Region', false],
    ['a-b', false],
    ['a:', false],
    ['a`', false],
    ['a{', false],
    ['a/', false],
    ['id', false],
    ['data', false],
  ];
  for (const [name, expected] of extensions) t.equal(isExtensionName(name), expected, name);
  t.ok(isCoreName('specversion'));
  t.notOk(isCoreName('data'));
  t.ok(isRepeated('type'));
  t.notOk(isRepeated('id'));
  t.notOk(isRepeated('region'));
  t.end();
});

t.test('texts (CloudEvents 1.0.2, section 3.1)', (t) => {
  const cases: [string, boolean][] = [
    ['', true],
    ['plain ~', true],
    ['größe €😀', true],
    ['tab\t', false],
    ['\u007f', false],
    ['\u0085', false],
    ['\ud800', false],
    ['a\udc00b', false],
    ['\ufdd0', false],
    ['\u{1ffff}', false],
  ];
  for (const [text, expected] of cases) {
    t.equal(isText(text), expected, JSON.stringify(text));
    if (text.isWellFormed())
      t.equal(textOf(Buffer.from(text)), expected ? text : undefined, JSON.stringify(text));
  }
  t.equal(textOf(Buffer.from('xgrößex'), 1, 8), 'größe', 'of a part');
  t.equal(textOf(Buffer.from('xplainx'), 1, 6), 'plain', 'of a part');
  for (const broken of [[0xff], [0xc0, 0xa0], [0xed, 0xa0, 0x80], [0x61, 0xe2, 0x82]]) {
    t.equal(textOf(Buffer.from(broken)), undefined);
  }
  t.end();
});

t.test('times of RFC 3339', (t) => {
  const cases: [string, boolean][] = [
    ['2024-05-06T07:08:09Z', true],
    ['2024-05-06t07:08:09.123456789z', true],
    ['2024-05-06T07:08:09+23:59', true],
    ['2016-12-31T23:59:60Z', true],
    ['2024-02-29T00:00:00Z', true],
    ['2023-02-29T00:00:00Z', false],
    ['2000-02-29T00:00:00Z', true],
    ['1900-02-29T00:00:00Z', false],
    ['0000-02-29T00:00:00Z', true],
    ['2024-04-31T00:00:00Z', false],
    ['2024-04-30T00:00:00Z', true],
    ['2024-12-31T00:00:00Z', true],
    ['2024-13-01T00:00:00Z', false],
    ['2024-00-01T00:00:00Z', false],
    ['2024-01-00T00:00:00Z', false],
    ['2024-01-01T24:00:00Z', false],
    ['2024-01-01 00:00:00Z', false],
    ['2024-01-01T00:00:00', false],
    ['2024-01-01T00:00Z', false],
    ['2024-01-01', false],
    ['yesterday', false],
  ];
  for (const [text, expected] of cases) t.equal(isTimestamp(text), expected, text);
  fc.assert(
    fc.property(
      fc.date({
        min: new Date('0000-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59Z'),
        noInvalidDate: true,
      }),
      (date) => isTimestamp(date.toISOString()),
    ),
  );
  t.end();
});

t.test('an event is put together from its attributes', (t) => {
  const least = { ...emptyAttributes(), specversion: '1.0', id: '1', source: 's', type: 't' };
  t.strictSame(assembleEvent(least, {}, null), {
    kind: 'event',
    event: eventOf({ id: '1', source: 's', type: 't' }),
  });
  const most = { subject: 'x', time: '2024-05-06T07:08:09Z', datacontenttype: 'a/b', dataschema: 'd' };
  t.strictSame(assembleEvent({ ...least, ...most }, { a: 1 }, Buffer.from('x')), {
    kind: 'event',
    event: eventOf({
      id: '1',
      source: 's',
      type: 't',
      ...most,
      extensions: { a: 1 },
      data: Buffer.from('x'),
    }),
  });
  const faults: [Partial<typeof least>, RegExp][] = [
    [{ specversion: '' }, /specversion is missing/],
    [{ specversion: '0.3' }, /specversion is "0.3"/],
    [{ id: '' }, /id is missing/],
    [{ source: '' }, /source is missing/],
    [{ type: '' }, /type is missing/],
    [{ time: 'noon' }, /"noon" is not an RFC 3339/],
  ];
  for (const [fault, reason] of faults) {
    t.match(assembleEvent({ ...least, ...fault }, {}, null), { kind: 'undecodable', reason });
  }
  t.equal(quoted('a\r\n'), '"a\\r\\n"');
  t.equal(quoted('x'.repeat(65)), `"${'x'.repeat(64)}…"`);
  t.end();
});

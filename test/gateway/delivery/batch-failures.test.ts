import t from 'tap';
import { batchFailures } from '../../../gateway/delivery/batch-failures.ts';

const batch = [
  { id: 'a', source: '/one' },
  { id: 'b', source: '/two' },
  { id: 'c', source: '/two' },
];
const failures = (...items: unknown[]) =>
  JSON.stringify({ batchItemFailures: items.map((itemIdentifier) => ({ itemIdentifier })) });
const json = 'application/json';

t.test('what a body reports, and what nobody can read', async (t) => {
  const cases: [type: string | undefined, body: string | Buffer, failed: string[] | RegExp][] = [
    [undefined, '', []],
    [json, '', []],
    [undefined, 'OK', []],
    ['text/html', '<p>{"batchItemFailures":[', []],
    [json, '{}', []],
    [json, '[]', []],
    [json, 'null', []],
    [json, '{"ok":"batchItemFailures"}', []],
    [json, '"batchItemFailures"', []],
    [json, '{"nested":{"batchItemFailures":[{"itemIdentifier":"a"}]}}', []],
    [json, '{"batchItemFailures":null}', []],
    [json, failures(), []],
    [json, failures('a'), ['a']],
    [undefined, failures('a'), ['a']],
    ['text/plain', failures('a', 'c', 'a'), ['a', 'c']],
    [json, `\ufeff${failures('b')}`, ['b']],
    [json, String.raw`{"batch\u0049temFailures":[{"itemIdentifier":"a"}]}`, ['a']],
    [json, failures({ source: '/two', id: 'c' }, 'a'), ['c', 'a']],
    [json, failures({ source: '/one', id: 'c' }), /do not match the batch/],
    [json, failures({ id: 'c' }), /do not match the batch/],
    [json, failures('a', 'unknown'), /do not match the batch/],
    [json, failures(''), /do not match the batch/],
    [json, failures(null), /do not match the batch/],
    [json, failures(1), /do not match the batch/],
    [json, '{"batchItemFailures":[{"id":"a"}]}', /do not match the batch/],
    [json, '{"batchItemFailures":[null]}', /do not match the batch/],
    [json, '{"batchItemFailures":["a"]}', /do not match the batch/],
    [json, '{"batchItemFailures":{}}', /are no list/],
    [json, failures('a').slice(0, -1), /cannot be parsed/],
    [undefined, ` ${failures('a').slice(0, -1)}`, /cannot be parsed/],
    [json, 'OK', /cannot be parsed/],
    ['application/vnd.answer+json', 'OK', /cannot be parsed/],
    [
      'application/json; charset=utf-16',
      Buffer.from(`\ufeff${failures('a')}`, 'utf16le'),
      /cannot be parsed/,
    ],
    [undefined, Buffer.from(failures('a'), 'utf16le'), /cannot be parsed/],
    [json, Buffer.from([0xff]), /cannot be parsed/],
    [undefined, Buffer.from([0xff]), []],
  ];
  for (const [type, body, failed] of cases) {
    const found = batchFailures(type, Buffer.from(body), batch);
    const what = `${type}: ${String(body)}`;
    if (failed instanceof RegExp) t.match(found, { malformed: failed }, what);
    else t.strictSame(found, { ids: new Set(failed) }, what);
  }
});

import t from 'tap';
import { celToJson } from '../../../../core/expressions/cel/cel-to-json.ts';
import { compileCel } from '../../../../core/expressions/cel/compile-cel.ts';
import { evaluateCel, eventWith } from './event.ts';

const quake = eventWith({
  mag: 6.1,
  place: '10km NE of X',
  items: [{ a: 1 }, { a: 2 }],
  none: null,
  deep: { b: 1 },
});

t.test('expressions', (t) => {
  const cases: [source: string, value: unknown][] = [
    ['data.mag >= 5.0', true],
    ['data.mag >= 5', true],
    ["type == 'dev.quake' && data.mag < 5.0", false],
    ['kafkapartition + 1', 4],
    ['event.kafkapartition == 3', true],
    ['has(event.subject)', false],
    ['has(data.none) && data.none == null && !has(data.nothing)', true],
    ["subject == 'x' || flag", true],
    ['data.items.exists(i, i.a == 2)', true],
    ['data.items.all(i, i.a > 1.0)', false],
    ['data.items.exists_one(i, i.a == 1)', true],
    ['data.items.map(i, i.a).filter(a, a > 1.0)', [2]],
    ["data.deep == {'b': 1.0}", true],
    ["'b' in data.deep && 'c' in data.deep", false],
    ["data.place.matches('^[0-9]+km')", true],
    ["time > timestamp('2024-01-01T00:00:00Z')", true],
    ["data.items.size() == 2 ? 'two' : 'some'", 'two'],
    ["data['place'].size()", 12],
  ];
  for (const [source, value] of cases) {
    const result = evaluateCel(source, quake);
    if (result.kind === 'error') t.fail(`${source}: ${result.error.message}`);
    else t.strictSame(celToJson(result.value), value, source);
  }
  t.end();
});

t.test('what goes wrong on an event', (t) => {
  const cases: [source: string, code: string, message: RegExp][] = [
    ["subject == 'x'", 'missingAttribute', /^the event has no attribute subject$/],
    ["subject == 'x' || nothing == 'y'", 'missingAttribute', /subject/],
    ['data.nothing', 'evaluation', /^field not found: nothing$/],
    ['data.items[7]', 'evaluation', /^index 7 out of bounds/],
    ['!data.mag', 'evaluation', /no matching overload/],
    ['1 / 0 == 1', 'evaluation', /.+/],
    ['data.items.all(i, i.c)', 'evaluation', /field not found: c/],
  ];
  for (const [source, code, message] of cases)
    t.match(evaluateCel(source, quake), { kind: 'error', error: { code, message } }, source);
  t.match(evaluateCel('data.mag > 5.0', eventWith(Buffer.from('{'))), { error: { code: 'payload' } });
  t.end();
});

t.test('what is no expression', (t) => {
  const cases: [source: string, error: object][] = [
    ['', { code: 'parse', message: 'found end of input', at: 0 }],
    ['data.mag >> 5', { code: 'parse', message: 'found > but expecting end of input', at: 9 }],
    [String.raw`data.name == "\ud83d"`, { code: 'parse', message: 'surrogate code points are not allowed' }],
    [String.raw`data.name == "\U00110000"`, { code: 'parse', message: 'Invalid code point 1114112' }],
    ['1 == frob(2)', { code: 'unknown', message: 'there is no function frob', at: 5 }],
    [
      `'${'x'.repeat(4_100)}'`,
      { code: 'limit', message: 'it has 4102 characters, but at most 4096 are allowed' },
    ],
    ['('.repeat(4_000), { code: 'limit', message: 'it is nested too deeply' }],
  ];
  for (const [source, error] of cases)
    t.match(compileCel(source), { kind: 'invalid', error }, source.slice(0, 20));
  t.end();
});

// None of these takes a tenth of a second, where the cost is counted; without, some take minutes.
t.test('no expression holds the gateway up on a payload of 1 MiB', (t) => {
  const payload = (item: string): Buffer => {
    const count = Math.floor((1024 * 1024 - 100) / (item.length + 1));
    return Buffer.from(`{"list":[${new Array(count).fill(item).join(',')}]}`);
  };
  const text = (letters: string): string => letters.repeat(250_000 / letters.length);
  const texts = { text: text('a'), other: `${'a'.repeat(120_000)}b${'a'.repeat(120_000)}`, list: [1, 2, 3] };
  const deep = `{"list":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;
  const rounds = Array.from({ length: 10_000 }, (_, index) => index);
  const cases: [source: string, data: unknown, code: string][] = [
    ['data.list.all(x, data.list.all(y, data.list.all(z, true)))', payload('1'), 'limit'],
    ['data.list.all(x, x in data.list)', payload('"abcdefgh"'), 'limit'],
    ['data.list.all(x, data.list == data.list)', rounds, 'evaluation'],
    ['data.list.all(x, data.list == data.list)', { list: rounds }, 'limit'],
    ['data.list.exists(x, x.nothing) || true', payload('{}'), 'limit'],
    ['data.list.map(x, x).exists(x, x < 0.0) || true', { list: rounds }, 'limit'],
    ['data.list == data.list', Buffer.from(deep), 'evaluation'],
    ['data.text.contains(data.other)', texts, 'limit'],
    ["data.text.matches('[ab]*a[ab]{50}[^ab]')", texts, 'limit'],
    [`[data.text]${'.map(x, x + x)'.repeat(100)}.size() > 0`, texts, 'limit'],
    [`data.list${'.map(x, x + x)'.repeat(200)}.size() > 0`, { list: [[1]] }, 'limit'],
    ["data.list.all(x, timestamp(1).getHours('Europe/Berlin') >= 0)", { list: rounds }, 'limit'],
    ['int(data.text) > 0', texts, 'limit'],
  ];
  for (const [source, data, code] of cases)
    t.match(evaluateCel(source, eventWith(data)), { kind: 'error', error: { code } }, source.slice(0, 60));
  t.strictSame(evaluateCel('data.list.all(x, x >= 0.0)', eventWith({ list: rounds })), {
    kind: 'value',
    value: true,
  });
  t.end();
});

t.test('errors keep their stacks outside', (t) => {
  const { stackTraceLimit } = Error;
  evaluateCel("subject == 'x'");
  t.equal(Error.stackTraceLimit, stackTraceLimit);
  t.end();
});

import t from 'tap';
import {
  GivenProperties,
  type GivenProperty,
  type PropertyName,
} from '../../../../core/kafka/properties/given-properties.ts';

const given = new Map<PropertyName, GivenProperty>([
  ['client.id', { value: ' gateway\t', writtenAs: 'client.id', line: 3 }],
  ['sasl.mechanism', { value: ' ', writtenAs: 'saslMechanism' }],
]);

t.test('values have no blanks around them, and may be empty', async (t) => {
  const properties = new GivenProperties(given, 'unread');
  t.strictSame(properties.names(), ['client.id', 'sasl.mechanism']);
  t.equal(properties.value('client.id'), 'gateway');
  t.equal(properties.text('client.id'), 'gateway');
  t.equal(properties.value('sasl.mechanism'), '');
  t.equal(properties.text('sasl.mechanism'), undefined);
  t.equal(properties.value('username'), undefined);
});

t.test('a mistake stands where its property was written', async (t) => {
  const properties = new GivenProperties(given, 'unread');
  for (const name of ['client.id', 'sasl.mechanism', 'username'] as const)
    properties.wrong(name, 'is wrong', 'Correct it.');
  const code = 'MILLRACE_CONFIG_INVALID';
  const said = { code, message: 'is wrong', remedy: 'Correct it.' };
  t.strictSame(properties.mistakes, [
    { ...said, path: 'client.id', line: 3 },
    { ...said, path: 'saslMechanism', line: undefined },
    { ...said, path: 'username', line: undefined },
  ]);
});

t.test('files are collected before they are read, and must be there after', async (t) => {
  const before = new GivenProperties(given, 'unread');
  for (const path of ['/a', '/b', '/a']) t.equal(before.file('client.id', path), undefined);
  t.strictSame([...before.files], ['/a', '/b']);
  t.strictSame(before.mistakes, []);
  const after = new GivenProperties(given, new Map([['/a', ''], ['/b', 'x']])); // prettier-ignore
  t.strictSame(['/a', '/b', '/c'].map((path) => after.file('client.id', path)), ['', 'x', undefined]); // prettier-ignore
  t.match(after.mistakes, [{ path: 'client.id', message: 'names the file "/c", which cannot be read' }]);
});

t.test('where no file may be named, each is a mistake', async (t) => {
  const properties = new GivenProperties(given, 'refused');
  t.equal(properties.file('client.id', '/a'), undefined);
  t.match(properties.mistakes, [{ path: 'client.id', message: /^names a file, and / }]);
});

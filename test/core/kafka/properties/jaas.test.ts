import fc from 'fast-check';
import t from 'tap';
import { parseJaas } from '../../../../core/kafka/properties/jaas.ts';

const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule';

function optionsOf(text: string): Record<string, string> {
  const verdict = parseJaas(`${plain} required ${text};`);
  return verdict.kind === 'right' ? Object.fromEntries(verdict.login.options) : { wrong: verdict.message };
}

for (const [text, expected] of [
  ['', {}],
  ['username="alice" password="s3cret"', { username: 'alice', password: 's3cret' }],
  ["username='al ice'", { username: 'al ice' }],
  ['username=alice password=a:b@c.d-e', { username: 'alice', password: 'a:b@c.d-e' }],
  ['\n\tusername = "alice"\r\n', { username: 'alice' }],
  ['a="; = // /* \' #"', { a: "; = // /* ' #" }],
  [String.raw`a="\"\\\'"`, { a: '"\\\'' }],
  [String.raw`a='\'"'`, { a: '\'"' }],
  [String.raw`a="\a\b\f\n\r\t\v\z"`, { a: '\x07\b\f\n\r\t\vz' }],
  [String.raw`a="\0\41\101\3777\477"`, { a: '\0!A\xff7\x277' }],
  ['a=b // a comment with " and ;\n c=d', { a: 'b', c: 'd' }],
  ['a=b /* a comment\n with ; */ c=d', { a: 'b', c: 'd' }],
  ['"quoted name"="x"', { 'quoted name': 'x' }],
  ['a="1" a="2"', { a: '2' }],
] as const) {
  t.test(JSON.stringify(text), async (t) => t.strictSame(optionsOf(text), expected));
}

t.test('the module is known by its last name, and any flag will do', async (t) => {
  for (const [text, module] of [
    [`${plain} required;`, 'PlainLoginModule'],
    ['ScramLoginModule OPTIONAL ;', 'ScramLoginModule'],
    ['kafkashaded.org.apache.PlainLoginModule Requisite;', 'PlainLoginModule'],
    [' /* x */ a.b.c\nsufficient;', 'c'],
  ] as const) {
    const verdict = parseJaas(text);
    t.equal(verdict.kind === 'right' && verdict.login.module, module);
  }
});

t.test('what is no login is told without any of it', async (t) => {
  for (const [text, message] of [
    ['', 'does not begin with a login module'],
    ['= "s3cret";', 'does not begin with a login module'],
    ['s3cret', 'has no `required` after the login module'],
    [`${plain} s3cret;`, 'has no `required` after the login module'],
    [`${plain} = required;`, 'has no `required` after the login module'],
    [`${plain} required password="s3cret"`, 'does not end with a `;`'],
    [`${plain} required password=s3/cret;`, 'does not end with a `;`'],
    [`${plain} required /* s3cret;`, 'does not end with a `;`'],
    [`${plain} required password=s3;cret;`, 'goes on after its `;`'],
    [`${plain} required; ${plain} required;`, 'goes on after its `;`'],
    [`${plain} required password;`, 'has an option that is not `name="value"`'],
    [`${plain} required password=;`, 'has an option that is not `name="value"`'],
    [`${plain} required password==;`, 'has an option that is not `name="value"`'],
    [`${plain} required = s3cret;`, 'has an option that is not `name="value"`'],
    [`${plain} required s3 cret=x;`, 'has an option that is not `name="value"`'],
    [`${plain} required password="s3cret;`, 'has a quoted value without its closing quote'],
    [`${plain} required password='s3\ncret';`, 'has a quoted value without its closing quote'],
  ] as const) {
    const verdict = parseJaas(text);
    t.match(verdict, { kind: 'wrong', message }, text);
    t.notMatch(JSON.stringify(verdict), 's3');
  }
});

t.test('whatever is quoted comes back', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('"', "'"), (value, quote) => {
      const written = value
        .replaceAll(/[\\"']/g, (letter) => `\\${letter}`)
        .replaceAll('\n', '\\n')
        .replaceAll('\r', '\\r');
      t.strictSame(optionsOf(`a=${quote}${written}${quote}`), { a: value });
    }),
  );
});

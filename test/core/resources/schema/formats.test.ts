import fc from 'fast-check';
import t from 'tap';
import {
  formatOf,
  formats,
  parseTimestamp,
  type FormatName,
} from '../../../../core/resources/schema/formats.ts';

const samples: Readonly<Record<FormatName, { right: readonly string[]; wrong: readonly string[] }>> = {
  'topic-name': {
    right: ['a', 'orders.v1', '__consumer_offsets', '...', 'A-b_c.9', 'x'.repeat(249)],
    wrong: ['', '.', '..', 'a b', 'a/b', 'ä', 'a,b', 'x'.repeat(250), 'a\n'],
  },
  'topic-pattern': {
    right: ['orders-.*', 'a|b', '.', String.raw`[\w.-]{3,40}\.v\d+`],
    wrong: ['', '(', '[a', '*', 'a)|(b', '(?=a)', String.raw`(a)\1`, '(a{30}){30}', `${'a|'.repeat(500)}b`],
  },
  'dns-label': {
    right: ['a', 'geo', 'a-b', '9', 'x'.repeat(63)],
    wrong: ['', '-a', 'a-', 'A', 'a.b', 'a_b', 'x'.repeat(64)],
  },
  'dns-name': {
    right: ['a', 'quake-alerts', 'a.b-c.d', 'x'.repeat(253)],
    wrong: ['', '.a', 'a.', 'a..b', 'a.-b', 'Quake', 'a_b', 'x'.repeat(254)],
  },
  'cluster-name': {
    right: ['main', 'a.b', 'platform/main', `${'x'.repeat(63)}/${'x'.repeat(253)}`],
    wrong: [
      '',
      '/',
      '/main',
      'platform/',
      'a/b/c',
      'a.b/main',
      'A/main',
      'x'.repeat(254),
      `${'x'.repeat(64)}/a`,
    ],
  },
  'namespace-or-any': {
    right: ['geo', '*', 'x'.repeat(63)],
    wrong: ['', '**', 'geo*', 'geo-', 'a.b', 'x'.repeat(64)],
  },
  'initial-offset': {
    right: ['earliest', 'latest', '2026-01-31T12:00:00Z'],
    wrong: ['', 'Latest', 'newest', '2026-01-31', '1700000000'],
  },
  wait: { right: ['PT0S', 'PT0.3S', 'P24D'], wrong: ['', '5s', 'P25D', 'P1M'] },
  timeout: { right: ['PT0.001S', 'PT30S', 'P24D'], wrong: ['PT0S', 'PT0.0001S', 'P25D', '30'] },
  age: { right: ['PT24H', 'P365D'], wrong: ['PT0S', 'P1M', 'P1Y', 'day'] },
  concurrency: { right: ['adaptive'], wrong: ['', 'Adaptive', '8', 'auto'] },
  quantity: { right: ['1', '500k', '1Mi'], wrong: ['0', '', '0Mi', '1MB', '-1'] },
  'bootstrap-servers': {
    right: ['kafka:9092', 'a:1,b:65535', 'a.b:9092, [::1]:9092'],
    wrong: ['', 'kafka', 'kafka:0', 'kafka:65536', 'a:1,,b:2', 'a:1,', 'http://a:1', 'a b:1', ':9092'],
  },
  'secret-key': {
    right: ['password', 'ca.crt', 'tls_key-2', 'x'.repeat(253)],
    wrong: ['', 'a b', 'a/b', 'ä', 'x'.repeat(254)],
  },
  'https-uri': {
    right: ['https://sso.example.com/token', 'HTTPS://localhost:8443/'],
    wrong: ['', 'http://sso.example.com/token', 'https://user@example.com/', 'https://example.com/#x'],
  },
  'http-uri': {
    right: ['http://localhost:8080/', 'https://example.com/a?b=c', 'http://[::1]:80'],
    wrong: [
      ...[
        '',
        '/path',
        'ftp://example.com',
        'localhost:8080',
        'http://',
        'http://a b/',
        'http://example.com/#x',
      ],
      ...['http://user@example.com/', 'http://user:secret@example.com/', 'http://:secret@example.com/'],
    ],
  },
};
for (const [name, { right, wrong }] of Object.entries(samples)) {
  const { test, expected } = formats[name as FormatName];
  t.test(`${name}: ${expected}`, async (t) => {
    for (const text of right) t.equal(test(text), true, `right: ${text}`);
    for (const text of wrong) t.equal(test(text), false, `wrong: ${text}`);
  });
}

for (const [text, timestampMs] of [
  ['1970-01-01T00:00:00Z', 0],
  ['1970-01-01t00:00:01.5z', 1500],
  ['1970-01-01T01:00:00+01:00', 0],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2024-02-30T00:00:00Z', undefined],
  ['2023-02-29T00:00:00Z', undefined],
  ['2024-13-01T00:00:00Z', undefined],
  ['2024-01-01T25:00:00Z', undefined],
  ['2024-01-01T00:00:00', undefined],
  ['2024-01-01 00:00:00Z', undefined],
  ['yesterday', undefined],
] as const) {
  t.test(`the time ${text}`, async (t) => t.equal(parseTimestamp(text), timestampMs));
}

t.test('what a date says of itself is read back', async (t) => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date(253_402_300_799_999), noInvalidDate: true }),
      (date) => {
        t.equal(parseTimestamp(date.toISOString()), date.getTime());
      },
    ),
  );
});

t.test('of addresses that may hold a password, and of nothing else, it is said so', (t) => {
  const names = Object.keys(formats) as FormatName[];
  t.strictSame(
    names.filter((name) => formatOf(name).mayHoldPassword),
    ['https-uri', 'http-uri'],
  );
  t.end();
});

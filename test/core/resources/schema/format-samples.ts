// Texts that have each format, and texts that do not have it.
import type { FormatName } from '../../../../core/resources/schema/formats.ts';

export interface Samples {
  readonly right: readonly string[];
  readonly wrong: readonly string[];
}

export const formatSamples: Readonly<Record<FormatName, Samples>> = {
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
  'api-version': {
    right: ['v1', 'apps/v1', 'argoproj.io/v1alpha1', 'a.b-c/beta', `${'x'.repeat(253)}/${'v'.repeat(63)}`],
    wrong: [
      '',
      '/v1',
      'apps/',
      'apps/v1/x',
      'Apps/v1',
      '1',
      'a/1',
      'a_b/v1',
      `${'x'.repeat(254)}/v1`,
      'v'.repeat(64),
    ],
  },
  'initial-offset': {
    right: [
      'earliest',
      'latest',
      '2026-01-31T12:00:00Z',
      '2024-02-29t23:59:59.5z',
      '2026-01-31T12:00:00+14:00',
    ],
    wrong: [
      ...['', 'Latest', 'newest', '2026-01-31', '1700000000', '2026-02-30T12:00:00Z', '2026-13-01T12:00:00Z'],
      ...[
        '2026-01-31T24:00:00Z',
        '2026-01-31T12:60:00Z',
        '2026-01-31T12:00:00+24:00',
        '2026-01-32T12:00:00Z',
      ],
    ],
  },
  wait: { right: ['PT0S', 'PT0.3S', 'P24D'], wrong: ['', '5s', 'P', 'PT', 'P1DT', 'P25D', 'P1M'] },
  timeout: { right: ['PT0.001S', 'PT30S', 'P24D'], wrong: ['PT0S', 'PT0.0001S', 'P25D', '30'] },
  age: { right: ['PT24H', 'P365D'], wrong: ['PT0S', 'P1M', 'P1Y', 'day'] },
  concurrency: { right: ['adaptive'], wrong: ['', 'Adaptive', '8', 'auto'] },
  quantity: {
    right: ['1', '500k', '1Mi', '1Gi', '1024Mi', '1073741824', '007'],
    wrong: ['0', '', '0Mi', '1MB', '-1', '1.5Mi', '2Gi', '1073741825', '1025Mi', '99999999999999'],
  },
  'bootstrap-servers': {
    right: ['kafka:9092', 'a:1,b:65535', 'a.b:9092, [::1]:9092', 'my_kafka:1 ,b:2'],
    wrong: [
      '',
      'kafka',
      'kafka:0',
      'kafka:65536',
      'a:1,,b:2',
      'a:1,',
      'http://a:1',
      'a b:1',
      ':9092',
      'a@b:1',
      'a\u00a0:1',
      'kafka:09',
      'kafka:99999',
    ],
  },
  'secret-key': {
    right: ['password', 'ca.crt', '.hidden', 'tls_key-2', 'x'.repeat(253)],
    wrong: ['', '.', '..', '..a', 'a b', 'a/b', 'ä', 'x'.repeat(254)],
  },
  'https-uri': {
    right: ['https://sso.example.com/token', 'HTTPS://localhost:8443/'],
    wrong: [
      '',
      'http://sso.example.com/token',
      'https://user@example.com/',
      'https://example.com/#x',
      'https://a:0/',
      'https://a:65536/',
      'https://[::g]/',
    ],
  },
  'http-uri': {
    right: [
      'http://localhost:8080/',
      'https://example.com/a?b=c',
      'http://[::1]:80',
      'http://a_b/?c',
      'http://a?@',
    ],
    wrong: [
      ...[
        '',
        '/path',
        'ftp://example.com',
        'localhost:8080',
        'http://',
        'http://a b/',
        'http://a\\b/',
        'http://1.2.3.999/',
        'http://[:::]/',
        'http://a/\u00a0\n',
        'http://example.com/#x',
      ],
      ...['http://user@example.com/', 'http://user:secret@example.com/', 'http://:secret@example.com/'],
    ],
  },
};

import t from 'tap';
import { readErrorEvent, readRefusal } from '../../../core/kubernetes/api-refusal.ts';

const asked = { verb: 'list', what: 'triggers.millrace.dev in the namespace geo' };

t.test('each status has its code, and a message with the request', async (t) => {
  const table: [status: number, code: string, message: string][] = [
    [400, 'INVALID', 'the API server refuses to list triggers.millrace.dev in the namespace geo (400): so'],
    [
      401,
      'FORBIDDEN',
      'the API server does not accept the credentials to list triggers.millrace.dev in the namespace geo (401): so',
    ],
    [403, 'FORBIDDEN', 'the right to list triggers.millrace.dev in the namespace geo is missing: so'],
    [
      404,
      'MISSING',
      'the API server cannot list triggers.millrace.dev in the namespace geo, which does not exist (404): so',
    ],
    [409, 'CONFLICT', 'the API server refuses to list triggers.millrace.dev in the namespace geo (409): so'],
    [410, 'FAILED', 'the API server refuses to list triggers.millrace.dev in the namespace geo (410): so'],
    [413, 'INVALID', '413'],
    [415, 'INVALID', '415'],
    [422, 'INVALID', '422'],
    [429, 'FAILED', '429'],
    [503, 'FAILED', '503'],
  ];
  for (const [status, code, message] of table) {
    const error = readRefusal(status, '{"kind":"Status","message":"so"}', asked);
    t.equal(error.code, `MILLRACE_KUBERNETES_${code}`);
    t.ok(error.message.includes(message), error.message);
  }
});

t.test('the message has the text of any body, because a proxy may have answered', async (t) => {
  const said = (body: string) => readRefusal(502, body, asked).message.split(': ').slice(1).join(': ');
  t.equal(said('<h1>Bad Gateway</h1>\n'), '<h1>Bad Gateway</h1>');
  t.equal(said('x'.repeat(300)).length, 200);
  t.equal(said('"text"'), '"text"');
  t.equal(said('null'), 'null');
  t.equal(said('{"reason":"NotFound"}'), '{"reason":"NotFound"}');
  t.equal(said(''), 'no reason given');
});

t.test('only a version that the API server does not have makes a new list necessary', async (t) => {
  const expired = [
    { code: 410 },
    { code: 500, reason: 'Expired' },
    { code: 500, reason: 'Gone' },
    { code: 504, reason: 'Timeout', details: { causes: [{}, { reason: 'ResourceVersionTooLarge' }] } },
  ];
  for (const status of expired) t.ok(readErrorEvent(status, asked).isExpired, JSON.stringify(status));
  for (const status of [{}, { code: 500, reason: 'InternalError' }, { code: 504, details: { causes: [{}] } }])
    t.notOk(readErrorEvent(status, asked).isExpired, JSON.stringify(status));
  t.match(readErrorEvent({}, asked), { status: 500, message: /no reason given/ });
  t.ok(readRefusal(410, '', asked).isExpired);
  t.match(readRefusal(429, '', asked, 2_000), { status: 429, retryAfterMs: 2_000, isExpired: false });
});

import t from 'tap';
import { createLog } from '../../../core/process/log.ts';
import type { AuditEntry } from '../../../core/access/http-server.ts';
import { logAccess } from '../../../core/access/audit-log.ts';
import { mark, planted } from '../../fixtures/secrets/planted.ts';

function listen(level: string) {
  const lines: string[] = [];
  return { door: logAccess(createLog(level, { write: (line) => void lines.push(line) })), lines };
}

const entry: AuditEntry = {
  kind: 'asked',
  caller: 'ada',
  address: '10.1.2.3',
  action: 'POST /v1/triggers/:namespace/:name/skip',
  parameters: { namespace: 'geo', name: 'alerts', offset: '7', token: planted('parameter') },
  status: undefined,
};

t.test('who did what is in the log whatever its level, and no secret with it', async (t) => {
  for (const level of ['debug', 'info', 'warn', 'error']) {
    const { door, lines } = listen(level);
    door.onAudit(entry);
    t.match(JSON.parse(lines[0] ?? ''), { audit: { caller: 'ada', parameters: { offset: '7' } } }, level);
    t.notMatch(lines.join(), mark);
  }
  const { door, lines } = listen('silent');
  door.onAudit(entry);
  t.strictSame(lines, [], 'but where nobody wants a log at all');
});

t.test('that nobody says who calls is told once for each cause, with it', async (t) => {
  const { door, lines } = listen('info');
  const away = new Error('the API server does not say whose token it is', {
    cause: new Error('ECONNREFUSED'),
  });
  for (const error of [away, away, new Error('another'), away]) door.onUnknown(error);
  t.strictSame(
    lines.map((line) => (JSON.parse(line) as { reason: string }).reason),
    [
      'the API server does not say whose token it is: ECONNREFUSED',
      'another',
      'the API server does not say whose token it is: ECONNREFUSED',
    ],
  );
});

t.test('certificates that change, or cannot be used; requests that fail', async (t) => {
  const { door, lines } = listen('info');
  door.onCertificate({ validTo: 'Nov 28 2036' });
  door.onCertificate({ error: new Error('No TLS with tls.crt') });
  door.onFailed(new Error('broken'));
  t.match(
    lines.map((line) => JSON.parse(line) as object),
    [
      { level: 30, validTo: 'Nov 28 2036' },
      { level: 40, reason: 'No TLS with tls.crt' },
      { level: 50, reason: 'broken' },
    ],
  );
});

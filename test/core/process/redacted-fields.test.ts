import { pino } from 'pino';
import t from 'tap';
import { redactedPaths } from '../../../core/process/redacted-fields.ts';
import { mark, planted } from '../../fixtures/secrets/planted.ts';

t.test('a value of one of the names is in no line, whatever it is in', (t) => {
  const lines: string[] = [];
  const log = pino({ redact: { paths: [...redactedPaths] } }, { write: (line) => void lines.push(line) });
  for (const name of ['clientSecret', 'password', 'authorization', 'key']) {
    const secret = { [name]: planted(name), other: 'shown' };
    log.info(secret);
    log.info({ one: secret });
    log.info({ one: { two: secret } });
  }
  t.equal(lines.length, 12);
  t.ok(lines.every((line) => line.includes('shown') && !line.includes(mark)));
  t.end();
});

import t from 'tap';
import { tlsOptions } from '../../../../../core/kafka/connection/socket/open-socket.ts';

t.test('TLS: names are indicated, addresses are not, and old versions are not spoken', async (t) => {
  const tls = { ca: 'PEM', verifyHostname: true };
  t.equal(tlsOptions({}, 'kafka'), undefined);
  t.match(tlsOptions({ tls }, 'kafka.geo'), { servername: 'kafka.geo', ca: 'PEM', minVersion: 'TLSv1.2' });
  for (const address of ['10.0.0.1', '::1']) t.notOk(tlsOptions({ tls }, address)?.servername);
  t.notOk(tlsOptions({ tls }, 'kafka')?.checkServerIdentity, 'as Node.js does it');
  const lax = tlsOptions({ tls: { verifyHostname: false } }, 'kafka');
  t.equal(lax?.checkServerIdentity?.('kafka', {} as never), undefined);
});

import t from 'tap';
import { targetOf } from '../../../gateway/http/target.ts';

t.test('an origin in its parts', async (t) => {
  t.strictSame(targetOf('http://10.1.2.3:8080'), {
    host: '10.1.2.3',
    port: 8080,
    isTls: false,
    authority: '10.1.2.3:8080',
  });
  t.strictSame(targetOf('http://fn.geo.svc'), {
    host: 'fn.geo.svc',
    port: 80,
    isTls: false,
    authority: 'fn.geo.svc',
  });
  t.strictSame(targetOf('https://fn.geo.svc'), {
    host: 'fn.geo.svc',
    port: 443,
    isTls: true,
    authority: 'fn.geo.svc',
  });
  t.strictSame(targetOf('https://[2001:db8::1]:8443'), {
    host: '2001:db8::1',
    port: 8443,
    isTls: true,
    authority: '[2001:db8::1]:8443',
  });
});

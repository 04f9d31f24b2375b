import t from 'tap';
import { addressText, hostAndPort } from '../../../../core/kafka/connection/broker-address.ts';

t.test('an IPv6 address stands in brackets where a port follows, and nowhere else', async (t) => {
  for (const [text, host, port] of [
    ['kafka-0.geo:9092', 'kafka-0.geo', 9092],
    ['10.0.0.1:9093', '10.0.0.1', 9093],
    ['[::1]:9092', '::1', 9092],
    ['[fd00::a:1]:1', 'fd00::a:1', 1],
  ] as const) {
    t.strictSame(hostAndPort(text), { host, port });
    t.equal(addressText({ host, port }), text);
  }
});

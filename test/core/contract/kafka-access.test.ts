import t from 'tap';
import { parseBrokers } from '../../../core/contract/kafka-access.ts';

t.test('brokers are host:port, at least one, IPv6 in brackets', async (t) => {
  t.same(parseBrokers('kafka:9092'), ['kafka:9092']);
  t.same(parseBrokers(' a.example:1 , [::1]:9092,'), ['a.example:1', '[::1]:9092']);
  for (const text of [
    '',
    ',',
    'kafka',
    'kafka:',
    'kafka:0',
    'kafka:65536',
    '::1:9092',
    'http://kafka:9092',
    'a:1,b',
  ]) {
    t.equal(parseBrokers(text), undefined, JSON.stringify(text));
  }
});

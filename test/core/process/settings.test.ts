import t from 'tap';
import { parseBrokers } from '../../../core/contract/kafka-access.ts';
import { parseFunctionUris, parseTenantAddresses } from '../../../core/network/tenant-address.ts';
import { parseLogLevel, parsePort } from '../../../core/process/settings.ts';

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

t.test('a port is a whole number up to 65535, 0 for any', async (t) => {
  t.same(['0', '8080', '65535'].map(parsePort), [0, 8080, 65535]);
  t.same(['', '-1', '65536', '80a', '1.5'].map(parsePort), Array(5).fill(undefined));
});

t.test('log levels are known by name, in any case', async (t) => {
  t.equal(parseLogLevel('WARN'), 'warn');
  t.equal(parseLogLevel('loud'), undefined);
});

t.test('what becomes of URIs is one of three words', async (t) => {
  t.same(['refused', 'guarded', 'unguarded'].map(parseFunctionUris), ['refused', 'guarded', 'unguarded']);
  t.same(['', 'true', 'Guarded'].map(parseFunctionUris), Array(3).fill(undefined));
});

t.test('what becomes of other addresses of tenants is one of two', async (t) => {
  t.same(['guarded', 'unguarded'].map(parseTenantAddresses), ['guarded', 'unguarded']);
  t.same(['', 'refused'].map(parseTenantAddresses), Array(2).fill(undefined));
});

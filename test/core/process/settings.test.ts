import t from 'tap';
import { parseLogLevel, parsePort } from '../../../core/process/settings.ts';

t.test('a port is a whole number up to 65535, 0 for any', async (t) => {
  t.same(['0', '8080', '65535'].map(parsePort), [0, 8080, 65535]);
  t.same(['', '-1', '65536', '80a', '1.5'].map(parsePort), Array(5).fill(undefined));
});

t.test('log levels are known by name, in any case', async (t) => {
  t.equal(parseLogLevel('WARN'), 'warn');
  t.equal(parseLogLevel('loud'), undefined);
});

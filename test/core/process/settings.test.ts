import t from 'tap';
import {
  certificateOf,
  count,
  duration,
  list,
  port,
  readSettings,
  size,
  text,
  trueOrFalse,
  type Settings,
} from '../../../core/process/settings.ts';
import { mark, planted } from '../../fixtures/secrets/planted.ts';

const table = {
  PORT: { ...port, default: '80', help: 'a port' },
  NAME: { ...text, help: 'a name' },
  TOKEN: {
    parse: (given: string) => (given.length > 100 ? given : undefined),
    expected: 'a long text',
    isSecret: true,
    help: 'a token',
  },
} as const satisfies Settings;

t.test('what is absent or empty has its default, or no value', async (t) => {
  const read = (env: Record<string, string | undefined>) => readSettings(table, env, (values) => values);
  const absent = { PORT: 80, NAME: undefined, TOKEN: undefined };
  t.strictSame(read({}), absent);
  t.strictSame(read({ PORT: ' ', NAME: '', TOKEN: undefined }), absent);
  t.strictSame(read({ PORT: ' 0 ', NAME: ' a ', OTHER: 'b' }), { ...absent, PORT: 0, NAME: 'a' });
});

t.test('all mistakes are reported at once, each setting only once', async (t) => {
  const read = (env: Record<string, string>) => () =>
    readSettings(table, env, ({ PORT, NAME }, refuse) => {
      t.equal(PORT, 80, 'a wrong value is replaced by the default');
      refuse('PORT', 'another port');
      if (NAME === undefined) refuse('NAME', 'a name with PORT');
    });
  t.throws(read({ PORT: 'http' }), {
    code: 'MILLRACE_CONFIG_INVALID',
    message: 'PORT is "http", expected a port from 0 to 65535; NAME is "", expected a name with PORT',
  });
  t.throws(read({ NAME: 'a' }), { message: 'PORT is "80", expected another port' }, 'the default is shown');
});

t.test('no secret is repeated, nor the user of an address', async (t) => {
  const env = { TOKEN: planted('token'), NAME: `http://user:${planted('name')}@host` };
  const read = () => readSettings(table, env, (_values, refuse) => refuse('NAME', 'none'));
  t.throws(read, { message: 'TOKEN is "***", expected a long text; NAME is "***@host", expected none' });
  try {
    read();
  } catch (error) {
    t.notMatch(String(error), mark);
  }
  const refuseToken = () => readSettings(table, {}, (_values, refuse) => refuse('TOKEN', 'one'));
  t.throws(refuseToken, { message: 'TOKEN is "", expected one' }, 'nor is it hidden that there is none');
});

t.test('a port is a whole number up to 65535, 0 for any', async (t) => {
  t.same(['0', '8080', '65535'].map(port.parse), [0, 8080, 65535]);
  t.same(['', '-1', '65536', '80a', '1.5'].map(port.parse), Array(5).fill(undefined));
});

t.test('other kinds of values', async (t) => {
  t.same(['1', '0', '-1', '1.5', '12345678901'].map(count.parse), [
    1,
    ...Array<undefined>(4).fill(undefined),
  ]);
  t.same(['PT1M', '25s'].map(duration.parse), [60_000, undefined]);
  t.same(['1Ki', 'much'].map(size.parse), [1024, undefined]);
  t.same(['true', 'false', 'yes'].map(trueOrFalse.parse), [true, false, undefined]);
  t.same(list.parse(' a, b,,'), ['a', 'b']);
});

t.test('a certificate and its key are set together', async (t) => {
  const table = { CERT: { ...text, help: '' }, KEY: { ...text, help: '' } };
  const read = (env: Record<string, string>) =>
    readSettings(table, env, (values, refuse) => certificateOf('CERT', 'KEY', values, refuse));
  t.strictSame(read({ CERT: '/tls.crt', KEY: '/tls.key' }), { certPath: '/tls.crt', keyPath: '/tls.key' });
  t.equal(read({}), undefined);
  t.throws(() => read({ CERT: '/tls.crt' }), { message: 'KEY is "", expected a file, as CERT has one' });
  t.throws(() => read({ KEY: '/tls.key' }), { message: 'CERT is "", expected a file, as KEY has one' });
});

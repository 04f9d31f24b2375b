import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createCachedFile } from '../../../core/credentials/cached-file.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.test('what is in the file, soon after it was replaced', async (t) => {
  const path = join(t.testdir({ token: 'first\n' }), 'token');
  const read = createCachedFile(path, 20);
  t.equal(await read(), 'first');
  await writeFile(path, 'second');
  await until(async () => (await read()) === 'second');
});

t.test('it is not read each time', async (t) => {
  const path = join(t.testdir({ token: 'first' }), 'token');
  const read = createCachedFile(path);
  await read();
  await writeFile(path, 'second');
  t.equal(await read(), 'first');
});

t.test('while it is away, what was in it last; where it never was, a reason', async (t) => {
  const path = join(t.testdir({ token: 'first' }), 'token');
  const read = createCachedFile(path, 0);
  await read();
  await rm(path);
  t.equal(await read(), 'first');
  const never = createCachedFile(`${path}-other`);
  await t.rejects(never(), { code: 'MILLRACE_CREDENTIALS_UNUSABLE', message: /token-other cannot be read/ });
  await writeFile(`${path}-other`, 'there');
  t.equal(await never(), 'there');
});

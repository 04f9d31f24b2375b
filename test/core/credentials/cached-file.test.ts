import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createCachedFile } from '../../../core/credentials/cached-file.ts';
import { until } from '../../scaler/fixtures/until.ts';

t.test('a replaced file is read soon', async (t) => {
  const path = join(t.testdir({ token: 'first\n' }), 'token');
  const read = createCachedFile(path, 20);
  t.equal(await read(), 'first');
  await writeFile(path, 'second');
  await until(async () => (await read()) === 'second');
});

t.test('the text is cached', async (t) => {
  const path = join(t.testdir({ token: 'first' }), 'token');
  const read = createCachedFile(path);
  await read();
  await writeFile(path, 'second');
  t.equal(await read(), 'first');
});

t.test('a missing file keeps its last text; one that was never there rejects', async (t) => {
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

import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import t from 'tap';
import { watchScalerCa } from '../../controller/scaler-ca.ts';
import { until } from '../scaler/fixtures/until.ts';

const log = pino({ level: 'silent' });

/** At once, as a kubelet does it. */
async function put(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

t.test('the revision changes with the CA, and with mutual TLS also with the certificates', async (t) => {
  const folder = t.testdir({
    'ca.crt': 'CA 1',
    'clients.crt': 'clients 1',
    'tls.crt': 'mine 1',
    'tls.key': '',
  });
  const at = (name: string) => join(folder, name);
  const watch = async (clientCaPath?: string) => {
    const tls = { certPath: at('tls.crt'), keyPath: at('tls.key'), clientCaPath };
    const trust = await watchScalerCa({
      caPath: at('ca.crt'),
      tls,
      log,
      checkMs: 10,
      onChange: () => undefined,
    });
    t.teardown(() => trust.stop());
    return trust;
  };
  const [alone, mutual] = [await watch(), await watch(at('clients.crt'))];
  t.match(alone.current(), { ca: 'CA 1', revision: /^[0-9a-f]{16}$/ });
  const changed = async (name: string, text: string) => {
    const before = [alone, mutual].map((trust) => trust.current()?.revision);
    await put(at(name), text);
    await until(() => mutual.current()?.revision !== before[1]);
    return alone.current()?.revision !== before[0];
  };
  t.equal(await changed('clients.crt', 'clients 2'), false, 'without mutual TLS');
  t.equal(await changed('tls.crt', 'mine 2'), false);
  await put(at('ca.crt'), 'CA 2');
  await until(() => alone.current()?.ca === 'CA 2' && mutual.current()?.ca === 'CA 2');
});

t.test('the last content stays while the file cannot be read', async (t) => {
  const folder = t.testdir();
  const caPath = join(folder, 'ca.crt');
  let changes = 0;
  const logged: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void logged.push(line) });
  const onChange = (): void => void (changes += 1);
  const trust = await watchScalerCa({ caPath, tls: undefined, log, checkMs: 10, onChange });
  t.teardown(() => trust.stop());
  t.equal(trust.current(), undefined);
  await put(caPath, 'CA 1');
  await until(() => trust.current()?.ca === 'CA 1');
  await rm(caPath);
  const { length } = logged;
  await until(() => logged.length > length);
  t.equal(trust.current()?.ca, 'CA 1');
  t.equal(changes, 1);
});

t.test('without a CA there is nothing to know', async (t) => {
  const trust = await watchScalerCa({ caPath: undefined, tls: undefined, log, onChange: () => undefined });
  t.equal(trust.current(), undefined);
  trust.stop();
});

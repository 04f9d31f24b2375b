import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';

const root = fileURLToPath(new URL('../../', import.meta.url));
const advisoriesPath = '/-/npm/v1/security/advisories/bulk';

/** A registry that answers only with advisories, or not even with those. */
async function useRegistry(
  t: Test,
  advisories: Readonly<Record<string, readonly unknown[]>> | undefined,
): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const isKnown = request.method === 'POST' && request.url === advisoriesPath && advisories !== undefined;
      response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json', connection: 'close' });
      response.end(JSON.stringify(isKnown ? advisories : {}));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function check(registry: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['.build/check-dependencies.js'], {
    cwd: root,
    env: { ...process.env, npm_config_registry: registry },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

function advisory(id: string, severity: string): unknown {
  const url = `https://github.com/advisories/${id}`;
  return {
    id: 1,
    url,
    title: 'A planted hole',
    severity,
    vulnerable_versions: '>=0.0.1',
    cwe: [],
    cvss: { score: 0 },
  };
}

t.test('the check passes when the registry knows no advisory', async (t) => {
  const { code, stdout, stderr } = await check(await useRegistry(t, {}));
  t.strictSame({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });
});

t.test('an advisory for a production dependency fails the check', async (t) => {
  const registry = await useRegistry(t, {
    undici: [advisory('GHSA-aaaa-aaaa-aaaa', 'moderate')],
    prettier: [advisory('GHSA-bbbb-bbbb-bbbb', 'critical')],
  });
  const { code, stdout, stderr } = await check(registry);
  t.equal(code, 1);
  t.equal(stderr, 'undici: GHSA-aaaa-aaaa-aaaa, moderate, in production: A planted hole\n');
  t.equal(stdout, 'note: prettier: GHSA-bbbb-bbbb-bbbb, critical, in development: A planted hole\n');
});

t.test('without an answer of the registry the check passes, with one note', async (t) => {
  for (const registry of [await useRegistry(t, undefined), 'http://127.0.0.1:1/']) {
    const { code, stdout, stderr } = await check(registry);
    t.strictSame({ code, stderr }, { code: 0, stderr: '' });
    t.match(stdout, /^note: advisories were not checked: .+\n$/);
  }
});

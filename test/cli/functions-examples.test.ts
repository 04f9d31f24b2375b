import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { findFreePorts } from '../../cli/kafka/free-ports.ts';
import { startFunctionProcess } from '../../cli/runtime/process-function.ts';
import type { FunctionProcess } from '../../cli/runtime/process-function.ts';
import { hasPython } from '../../cli/demo/find-python.ts';

const examples = join(import.meta.dirname, '../../functions-examples');
const quake = {
  properties: { mag: 6.2, place: 'near Hualien, Taiwan' },
  geometry: { type: 'Point', coordinates: [121.6, 24, 10] },
};

async function start(
  t: Test,
  name: string,
  manifest: string,
): Promise<{ started: FunctionProcess; lines: string[] }> {
  const directory = join(examples, name);
  const command = /dev-command: (.*)/.exec(await readFile(join(directory, manifest), 'utf8'))?.[1] ?? '';
  const [port = 0] = await findFreePorts(1);
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  const started = await startFunctionProcess({ command, directory, port, env: { WORK_MS: '0' }, onLine });
  t.teardown(() => started.stop(1000));
  t.ok(await started.ready, lines.join('\n'));
  return { started, lines };
}

function post(origin: string, type: string, body = JSON.stringify(quake)): Promise<Response> {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'us1000chhc',
    'ce-source': '/usgs',
    'ce-type': type,
    'ce-time': '2018-02-06T15:50:42.540Z',
    'content-type': 'application/json',
  };
  return fetch(origin, { method: 'POST', headers, body });
}

const received = /^received us1000chhc at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

t.test('quake-alerts', async (t) => {
  const { started, lines } = await start(t, 'quake-alerts', 'trigger.yaml');
  const response = await post(started.origin, 'gov.usgs.earthquake.strong');
  t.equal(response.status, 200);
  t.equal(response.headers.get('ce-id'), 'us1000chhc-notice');
  t.equal(response.headers.get('ce-type'), 'gov.usgs.notice');
  t.strictSame(await response.json(), {
    warning: 'magnitude 6.2, near Hualien, Taiwan',
    occurredAt: '2018-02-06T15:50:42.540Z',
  });
  t.equal(
    (await fetch(started.origin, { method: 'POST', body: 'x' })).status,
    400,
    'rejects what is no event',
  );
  await started.stop(5000);
  t.match(lines, [received, '! magnitude 6.2, near Hualien, Taiwan']);
});

t.test('quake-stats', async (t) => {
  const { started, lines } = await start(t, 'quake-stats', 'deployment.yaml');
  t.equal((await post(started.origin, 'gov.usgs.earthquake.strong')).status, 204);
  t.equal((await post(started.origin, 'gov.usgs.earthquake.micro')).status, 204);
  t.strictSame(await (await fetch(started.origin)).json(), { strong: 1, micro: 1 });
  t.equal((await fetch(started.origin, { method: 'POST' })).status, 400, 'rejects what is no event');
  await started.stop(5000);
  t.match(lines, [received, received, 'counted 1 strong, 1 micro']);
});

t.test('quake-map', { skip: (await hasPython()) ? false : 'no python3 here' }, async (t) => {
  const { started, lines } = await start(t, 'quake-map', 'trigger.yaml');
  t.equal((await post(started.origin, 'gov.usgs.earthquake.strong')).status, 204);
  t.equal(
    (await post(started.origin, 'gov.usgs.earthquake.strong', 'no json')).status,
    400,
    'rejects garbage',
  );
  const rows = (await (await fetch(started.origin)).text()).trimEnd().split('\n');
  t.equal(rows.length, 18);
  t.equal(rows[6]?.indexOf('*'), 59, 'Taiwan is where it should be');
  await started.stop(5000);
  t.match(lines, [received, received, 'drew 1 places']);
});

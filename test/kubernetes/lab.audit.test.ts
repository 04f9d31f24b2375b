// What the search for secrets sees of an API server.
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import t from 'tap';
import { apiServer } from '../fixtures/kubernetes/kubernetes.ts';
import { mark, planted } from '../fixtures/secrets/planted.ts';
import { startControlPlane } from '../lab/control-plane.ts';
import { until } from '../scaler/fixtures/until.ts';

t.setTimeout(180_000);

t.test('the audit records every write as stored, except Secrets and tokens', async (t) => {
  const auditDir = t.testdir();
  const plane = await startControlPlane({ auditDir });
  t.teardown(() => plane.stop());
  const { kubectl } = apiServer(plane.kubeconfig);
  await kubectl(['create', 'secret', 'generic', 'hidden', `--from-literal=password=${planted('a')}`]);
  const token = await kubectl(['create', 'token', 'default']);
  const spec = { token: token.trim() };
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
  await kubectl(['create', '-f', '-'], JSON.stringify(review));
  await kubectl(['create', 'configmap', 'seen', '--from-literal=key=what-is-seen']);
  await kubectl(['annotate', 'configmap', 'seen', 'note=the-last-word']);
  const kept = join(auditDir, `kubernetes.${basename(plane.dir)}.audit`);
  const text = await until(async () => {
    const text = await readFile(kept, 'utf8');
    return text.includes('the-last-word') ? text : '';
  });
  t.match(text, /"responseObject":\{"kind":"ConfigMap".*"managedFields".*what-is-seen/);
  t.match(text, /"resource":"secrets"/, 'a write of a Secret is listed');
  for (const secret of [mark, Buffer.from(planted('a')).toString('base64'), token.trim()])
    t.notOk(text.includes(secret));
  await plane.stop();
  t.strictSame(await readdir(auditDir), [basename(kept)], 'the file outlives the API server');
});

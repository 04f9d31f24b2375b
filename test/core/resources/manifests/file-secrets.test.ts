import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { createFileSecrets } from '../../../../core/resources/manifests/file-secrets.ts';
import { memorySecrets } from '../../../fixtures/secrets/memory-secrets.ts';
import { testSecrets } from '../../../fixtures/secrets/secrets-conformance.ts';

t.test('manifests beside the triggers', async (t) => {
  testSecrets(t, async (t) => {
    const dir = t.testdir({ 'trigger.yaml': 'kind: Trigger\n---\n[' });
    const fileOf = (name: string): string => join(dir, `${name}.yaml`);
    return {
      secrets: createFileSecrets(dir),
      namespace: 'default',
      put: (name, stringData) =>
        writeFile(
          fileOf(name),
          JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData }),
        ),
      remove: (name) => rm(fileOf(name)),
    };
  });
});

t.test('the memory of tests', async (t) => {
  testSecrets(t, async () => {
    const secrets = memorySecrets();
    return {
      secrets,
      namespace: 'geo',
      put: async (name, values) => secrets.put('geo', name, values),
      remove: async (name) => secrets.remove('geo', name),
    };
  });
});

t.test('as kubectl writes them: base64, a List, what stands as text wins', async (t) => {
  const dir = t.testdir({
    'all.yaml': [
      'apiVersion: v1',
      'kind: List',
      'items:',
      '  - apiVersion: v1',
      '    kind: Secret',
      '    metadata: { name: kafka, namespace: geo }',
      '    data: { password: YQ==, user: Yg== }',
      '    stringData: { password: c, port: 1 }',
      '  - apiVersion: v1',
      '    kind: ConfigMap',
      '    metadata: { name: other, namespace: geo }',
      '    data: { password: YQ== }',
    ].join('\n'),
  });
  const secrets = createFileSecrets(dir);
  const values = await secrets.read('geo', 'kafka');
  t.strictSame([...(values ?? [])].map(([key, bytes]) => `${key} ${bytes.toString()}`).toSorted(), [
    'password c',
    'port 1',
    'user b',
  ]);
  t.equal(await secrets.read('geo', 'other'), undefined);
});

t.test('there are no ServiceAccounts on one machine, which is reported', async (t) => {
  const token = { serviceAccountName: 'kafka', audience: 'sso' };
  await t.rejects(createFileSecrets('.').serviceAccountToken('geo', token), {
    code: 'MILLRACE_CREDENTIALS_UNUSABLE',
    message: /use oauthbearer with a clientSecret/,
  });
});

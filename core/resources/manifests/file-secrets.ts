// Secrets on one machine: manifests of Secrets beside those of the triggers. They are read from disk at each call.
import { MillraceError } from '../../contract/errors.ts';
import { defaultNamespace } from '../schema/fields.ts';
import { isMapping, valueAt } from '../../contract/path.ts';
import type { SecretReader } from '../../contract/secret-reader.ts';
import { parseYaml } from './yaml-documents.ts';
import { readManifests } from './manifest-files.ts';

/** `path` is a file or a folder, as for triggers. */
export function createFileSecrets(path: string): SecretReader {
  return {
    async read(namespace, name) {
      const manifests = await readManifests(path);
      const values = manifests.flatMap((manifest) => parseYaml(manifest).documents).map(({ value }) => value);
      const secret = values.flatMap(itemsOf).find((value) => isSecret(value, namespace, name));
      return secret === undefined ? undefined : valuesOf(secret);
    },

    serviceAccountToken(namespace, { serviceAccountName }) {
      const message = `there is no token for the ServiceAccount ${serviceAccountName} of namespace ${namespace}: outside Kubernetes, use oauthbearer with a clientSecret`;
      return Promise.reject(new MillraceError('MILLRACE_CREDENTIALS_UNUSABLE', message));
    },
  };
}

function itemsOf(value: unknown): unknown[] {
  const items = valueAt(value, ['items']);
  return valueAt(value, ['kind']) === 'List' && Array.isArray(items) ? (items as unknown[]) : [value];
}

function isSecret(value: unknown, namespace: string, name: string): boolean {
  return (
    valueAt(value, ['apiVersion']) === 'v1' &&
    valueAt(value, ['kind']) === 'Secret' &&
    valueAt(value, ['metadata', 'name']) === name &&
    (valueAt(value, ['metadata', 'namespace']) ?? defaultNamespace) === namespace
  );
}

/** As in the API server, `stringData` overrides `data`. */
function valuesOf(secret: unknown): ReadonlyMap<string, Buffer> {
  const [data, texts] = [valueAt(secret, ['data']), valueAt(secret, ['stringData'])];
  return new Map([
    ...entriesOf(data).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
    ...entriesOf(texts).map(([key, text]) => [key, Buffer.from(text, 'utf8')] as const),
  ]);
}

function entriesOf(value: unknown): [string, string][] {
  return isMapping(value) ? Object.entries(value).map(([key, text]) => [key, String(text)]) : [];
}

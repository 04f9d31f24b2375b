// The metadata of Trigger and KafkaCluster: the fields that a user writes, and those that the API server adds, which are ignored.
import type { TSchema } from 'typebox';
import { Type } from './schema-types.ts';
import { dnsName } from './formats.ts';
import { mapping, text, withDefault, type NameNotes } from './schema-notes.ts';

/** The API server allows no more for the names and values of all annotations together. */
export const maxAnnotationBytes = 256 * 1024;

const anyCaseDnsName = dnsName.replaceAll('a-z', 'A-Za-z');
const plainName = '([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]';
/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const qualifiedName: NameNotes = {
  what: 'the name of a label or annotation',
  remedy:
    'A name has at most 63 letters, digits, hyphens, underscores or dots, after a DNS name and a slash if there are any.',
};

/** Printed by `kubectl get -o yaml`. */
const serverOwned = Type.Optional(Type.Unknown());

/** `annotations` are those that Millrace reads, `annotated` is an example of them; any other annotation is allowed too. */
export function metadataSchema<A extends Record<string, TSchema>>(
  example: string,
  annotations: A,
  annotated = {},
) {
  return mapping(
    { example: { name: example } },
    {
      name: text({ format: 'dns-name', description: 'The name, unique in its namespace.', example }),
      namespace: withDefault(
        'default',
        text({
          format: 'dns-label',
          description: 'The namespace of the resource, and of everything that it refers to by name.',
        }),
      ),
      labels: Type.Optional(
        Type.Unsafe<Readonly<Record<string, string>>>({
          type: 'object',
          example: { app: example },
          propertyNames: { pattern: `^(?=[^/]{1,253}/|[^/]*$)(${dnsName}/)?${plainName}$` },
          names: qualifiedName,
          additionalProperties: text({
            maxLength: 63,
            pattern: `^(${plainName})?$`,
            expected: 'the value of a label (at most 63 letters, digits, hyphens, underscores or dots)',
            example,
          }),
        }),
      ),
      annotations: Type.Optional(
        Type.Object(annotations, {
          propertyNames: { pattern: `^(?=[^/]{1,253}/|[^/]*$)(${anyCaseDnsName}/)?${plainName}$` },
          names: qualifiedName,
          additionalProperties: text({ maxLength: maxAnnotationBytes, example: 'any text' }),
          example: annotated,
        }),
      ),
      creationTimestamp: serverOwned,
      deletionGracePeriodSeconds: serverOwned,
      deletionTimestamp: serverOwned,
      finalizers: serverOwned,
      generateName: serverOwned,
      generation: serverOwned,
      managedFields: serverOwned,
      ownerReferences: serverOwned,
      resourceVersion: serverOwned,
      selfLink: serverOwned,
      uid: serverOwned,
    },
  );
}

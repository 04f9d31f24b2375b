// The metadata of Trigger and KafkaCluster: the fields that a user writes, and those that the API server adds, which are ignored.
import { Type, type TSchema } from 'typebox';
import { mapping, text, withDefault } from './schema-notes.ts';

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
      labels: Type.Optional(Type.Unknown()),
      annotations: Type.Optional(
        Type.Object(annotations, { additionalProperties: true, example: annotated }),
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

// The metadata of our resources: what a user writes in it, and what the API server adds, of no meaning here.
import { Type, type TSchema } from 'typebox';
import { mapping, text, withDefault } from './schema-notes.ts';

/** Printed by `kubectl get -o yaml`. */
const serverOwned = Type.Optional(Type.Unknown());

/** `annotations` are those that are looked at, `annotated` an example of them; any other may be there as well. */
export function metadataSchema<A extends Record<string, TSchema>>(
  example: string,
  annotations: A,
  annotated = {},
) {
  return mapping(
    { example: { name: example } },
    {
      name: text({ format: 'dns-name', description: 'Unique in its namespace.', example }),
      namespace: withDefault(
        'default',
        text({ format: 'dns-label', description: 'Where it lives, with all that it refers to.' }),
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

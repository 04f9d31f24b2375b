// What a user may write in a Trigger: one schema, in which every field has its type, default, description and
// annotation. fields.ts lays it out as a table; validation, the reference pages and the CRD are all made from
// it.
import { Type, type Static } from 'typebox';
import { deliverySchema, replySchema, scaleSchema } from './delivery-schema.ts';
import { filterRef, filterSchema, type DeclaredFilter } from './filter-schema.ts';
import { functionAuthenticationSchema, functionTlsSchema } from './function-access-schema.ts';
import { metadataSchema } from './metadata-schema.ts';
import { mapping, maxInt32, text, whole, withDefault, type Filled } from './schema-notes.ts';
import { eventSchema, sourceSchema } from './source-schema.ts';

export const apiGroup = 'millrace.dev';
export const apiVersion = `${apiGroup}/v1alpha1`;
export const annotationPrefix = `${apiGroup}/`;
export const devCommandAnnotation = `${annotationPrefix}dev-command`;

const devCommand = text({
  minLength: 1,
  annotation: 'dev-command',
  example: 'node server.js',
  description:
    'How `millrace dev` starts the function as a process, in the folder of the manifest. It stands on ' +
    'the Deployment or on the Trigger that refers to it; the one on the Trigger counts first.',
});

const metadata = metadataSchema(
  'order-mailer',
  { [devCommandAnnotation]: Type.Optional(devCommand) },
  { [devCommandAnnotation]: 'node server.js' },
);

const ref = mapping(
  { description: 'The workload that answers, and that is scaled.', example: { name: 'order-mailer' } },
  {
    apiVersion: withDefault('apps/v1', text({ minLength: 1, description: 'Of the workload.' })),
    kind: withDefault(
      'Deployment',
      text({
        pattern: '^[A-Z][A-Za-z0-9]*$',
        expected: 'the kind of a resource',
        description: 'Of the workload: anything with a scale subresource.',
      }),
    ),
    name: text({
      format: 'dns-name',
      description: 'Of the workload, in the namespace of the trigger.',
      example: 'order-mailer',
    }),
  },
);

const batch = mapping(
  { description: 'When a batch goes out: at the first of these. With `contentMode: batched` only.' },
  {
    maxEvents: withDefault(100, whole(1, { description: 'Events in one request.' })),
    maxBytes: withDefault(
      '1Mi',
      Type.Unsafe<string | number>({
        type: ['string', 'integer'],
        minimum: 1,
        format: 'quantity',
        description: 'Bytes of one request; a larger event goes alone.',
      }),
    ),
    maxWait: withDefault(
      'PT0.05S',
      text({ format: 'wait', description: 'How long the first event waits for more.' }),
    ),
  },
);

const adaptiveConcurrency = mapping(
  { description: 'Between what bounds concurrency is learned. With `concurrency: adaptive` only.' },
  {
    min: withDefault(
      1,
      whole(1, {
        maximum: 1_000,
        description: 'Never fewer requests in flight per endpoint may be allowed; what it begins with.',
      }),
    ),
    max: withDefault(
      100,
      whole(1, { maximum: 1_000, description: 'Never more requests in flight per endpoint.' }),
    ),
  },
);

const functionSchema = mapping(
  {
    description: 'Who answers: exactly one of `ref`, `service` and `uri`.',
    example: { ref: { name: 'order-mailer' } },
  },
  {
    ref: Type.Optional(ref),
    service: Type.Optional(
      mapping(
        {
          description: 'A Service in the namespace of the trigger; nothing is scaled.',
          example: { name: 'order-mailer' },
        },
        { name: text({ format: 'dns-label', description: 'Of the Service.', example: 'order-mailer' }) },
      ),
    ),
    uri: Type.Optional(
      text({
        format: 'http-uri',
        example: 'http://localhost:8080/',
        description:
          'An address, path included; nothing is scaled. In a cluster, only where the installation allows it.',
      }),
    ),
    port: withDefault(
      8080,
      whole(1, {
        maximum: 65_535,
        annotation: 'port',
        description: 'Where the function listens. Not with `uri`.',
      }),
    ),
    path: withDefault(
      '/',
      text({
        pattern: '^/[^\\s#]*$',
        expected: 'a path that begins with a slash, without blanks and fragment',
        annotation: 'path',
        description: 'Where requests are posted to. Not with `uri`.',
      }),
    ),
    tls: Type.Optional(functionTlsSchema),
    authentication: Type.Optional(functionAuthenticationSchema),
    contentMode: withDefault(
      'binary',
      Type.Enum(['binary', 'structured', 'batched'], {
        annotation: 'content-mode',
        description: 'How an event stands in a request, as in the CloudEvents HTTP binding.',
      }),
    ),
    batch: withDefault({}, batch),
    concurrency: withDefault(
      8,
      Type.Unsafe<number | 'adaptive'>({
        type: ['integer', 'string'],
        minimum: 1,
        maximum: maxInt32,
        format: 'concurrency',
        annotation: 'concurrency',
        description:
          'Requests in flight per ready endpoint; `adaptive` learns it from latency, 429, 503 and timeouts.',
      }),
    ),
    adaptiveConcurrency: withDefault({}, adaptiveConcurrency),
  },
);

const spec = mapping(
  {
    description: 'Which records go to which function, and how.',
    example: { source: { topics: ['orders'] }, function: { ref: { name: 'order-mailer' } } },
  },
  {
    suspend: withDefault(
      false,
      Type.Boolean({ annotation: 'suspend', description: 'Reads and delivers nothing while true.' }),
    ),
    source: sourceSchema,
    event: withDefault({}, eventSchema),
    filters: withDefault(
      [],
      Type.Unsafe<readonly DeclaredFilter[]>({
        type: 'array',
        items: filterRef,
        expected: 'a list of filters',
        example: [{ exact: { type: 'order.placed' } }],
        description: 'All must pass, or the record is settled without an attempt.',
      }),
    ),
    transform: withDefault(
      [],
      Type.Array(Type.Unknown(), {
        expected: 'a list',
        description: 'Inline processing, in order.',
        notBuilt: {
          what: 'inline processing',
          except: [],
          instead: 'Leave it out, and do it in a function with a reply topic.',
        },
      }),
    ),
    function: functionSchema,
    delivery: withDefault({}, deliverySchema),
    reply: Type.Optional(replySchema),
    scale: withDefault({}, scaleSchema),
  },
);

export const triggerSchema = Type.Object(
  {
    apiVersion: Type.Literal(apiVersion, { example: apiVersion }),
    kind: Type.Literal('Trigger', { example: 'Trigger' }),
    metadata,
    spec,
    status: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: false, $defs: { filter: filterSchema }, example: {} },
);

/** A Trigger as it is declared: whatever has a default may be absent. */
export type Trigger = Static<typeof triggerSchema>;

/** A Trigger with its defaults filled in; what is computed from other fields is still absent. */
export type FilledTrigger = Filled<typeof triggerSchema>;

// All fields of a Trigger, with their types, defaults, descriptions and annotations. `spec` below names the schema of each part: source
// and event, filters, function, delivery, reply, scale. fields.ts turns this schema into one table; validation, the reference pages and
// the CRD are made from it.
import type { Static } from 'typebox';
import { Type } from './schema-types.ts';
import { deliverySchema, replySchema } from './delivery-schema.ts';
import { filterRef, filterSchema, mostFilters, type DeclaredFilter } from './filter-schema.ts';
import { formats, largestQuantity } from './formats.ts';
import { functionAuthenticationSchema, functionTlsSchema } from './function-access-schema.ts';
import { metadataSchema } from './metadata-schema.ts';
import { mapping, maxInt32, text, whole, withDefault, type Filled } from './schema-notes.ts';
import { scaleSchema } from './scale-schema.ts';
import { eventSchema, sourceSchema } from './source-schema.ts';

export const apiGroup = 'millrace.dev';
export const apiVersion = `${apiGroup}/v1alpha1`;
export const annotationPrefix = `${apiGroup}/`;
export const devCommandAnnotation = `${annotationPrefix}dev-command`;

const devCommand = text({
  minLength: 1,
  maxLength: 4_096,
  annotation: 'dev-command',
  example: 'node server.js',
  description:
    'The command by which `millrace dev` starts the function as a process, in the folder of the manifest. Write it on the ' +
    'Deployment, or on the Trigger that refers to the Deployment; if both have it, the one on the Trigger counts.',
});

const metadata = metadataSchema(
  'order-mailer',
  { [devCommandAnnotation]: Type.Optional(devCommand) },
  { [devCommandAnnotation]: 'node server.js' },
);

const ref = mapping(
  {
    description: 'The workload that runs the function. Millrace scales it.',
    example: { name: 'order-mailer' },
  },
  {
    apiVersion: withDefault(
      'apps/v1',
      text({
        format: 'api-version',
        description: 'The API version of the workload, such as `argoproj.io/v1alpha1`.',
      }),
    ),
    kind: withDefault(
      'Deployment',
      text({
        pattern: '^[A-Z][A-Za-z0-9]*$',
        maxLength: 63,
        expected: 'the kind of a resource: an upper-case letter, then letters and digits, at most 63',
        description:
          'The kind of the workload: any kind with a scale subresource whose pods a label selector finds, such as Deployment, StatefulSet or ' +
          'Rollout.',
      }),
    ),
    name: text({
      format: 'dns-name',
      description: 'The name of the workload, in the namespace of the Trigger.',
      example: 'order-mailer',
    }),
  },
);

const batch = mapping(
  {
    description:
      'How large a batch gets, and how long it waits. It is sent when it has `maxEvents` events, or when its first event has waited ' +
      '`maxWait`; `maxBytes` limits its size and does not send it. With `contentMode: batched` only.',
  },
  {
    maxEvents: withDefault(
      100,
      whole(1, { description: 'The most events in one request. A batch that has as many is sent at once.' }),
    ),
    maxBytes: withDefault(
      '1Mi',
      Type.Unsafe<string | number>({
        type: ['string', 'integer'],
        minimum: 1,
        maximum: largestQuantity,
        maxLength: formats.quantity.maxLength,
        format: 'quantity',
        description: 'The most bytes in one request. An event that is larger is sent alone.',
      }),
    ),
    maxWait: withDefault(
      'PT0.05S',
      text({
        format: 'wait',
        description:
          'How long the first event of a batch waits for others, before the batch is sent as it is.',
      }),
    ),
  },
);

const adaptiveConcurrency = mapping(
  { description: 'The bounds of the learned concurrency. With `concurrency: adaptive` only.' },
  {
    min: withDefault(
      1,
      whole(1, {
        maximum: 1_000,
        description: 'The lowest limit on requests in flight per endpoint. Learning starts from it.',
      }),
    ),
    max: withDefault(
      100,
      whole(1, { maximum: 1_000, description: 'The highest limit on requests in flight per endpoint.' }),
    ),
  },
);

const functionSchema = mapping(
  {
    description:
      'The function that gets the events: exactly one of `ref`, `service` and `uri`, and how to call it.',
    example: { ref: { name: 'order-mailer' } },
  },
  {
    ref: Type.Optional(ref),
    service: Type.Optional(
      mapping(
        {
          description: 'A Service in the namespace of the Trigger. Nothing is scaled.',
          example: { name: 'order-mailer' },
        },
        {
          name: text({
            format: 'dns-label',
            description: 'The name of the Service.',
            example: 'order-mailer',
          }),
        },
      ),
    ),
    uri: Type.Optional(
      text({
        format: 'http-uri',
        example: 'http://localhost:8080/',
        description:
          'The URL to post to, with its path. Nothing is scaled. In Kubernetes a uri is refused unless the installation allows it ' +
          '(`MILLRACE_FUNCTION_URIS`).',
      }),
    ),
    port: withDefault(
      8080,
      whole(1, {
        maximum: 65_535,
        annotation: 'port',
        description: 'The port that the function listens on. Not with `uri`, which has its own.',
      }),
    ),
    path: withDefault(
      '/',
      text({
        pattern: '^/[!"$-~]*$',
        maxLength: 1_024,
        expected:
          'a path that begins with a slash, of at most 1024 characters of ASCII, without spaces or fragment',
        annotation: 'path',
        description: 'The path that requests are posted to. Not with `uri`, which has its own.',
      }),
    ),
    tls: Type.Optional(functionTlsSchema),
    authentication: Type.Optional(functionAuthenticationSchema),
    contentMode: withDefault(
      'binary',
      Type.Enum(['binary', 'structured', 'batched'], {
        annotation: 'content-mode',
        description: 'How a request carries events: the content modes of the CloudEvents HTTP binding.',
      }),
    ),
    batch: withDefault({}, batch),
    concurrency: withDefault(
      8,
      Type.Unsafe<number | 'adaptive'>({
        type: ['integer', 'string'],
        minimum: 1,
        maximum: maxInt32,
        maxLength: formats.concurrency.maxLength,
        format: 'concurrency',
        annotation: 'concurrency',
        description:
          'The most requests in flight per ready endpoint. `adaptive`: the limit is learned from latency, 429, 503 and timeouts.',
      }),
    ),
    adaptiveConcurrency: withDefault({}, adaptiveConcurrency),
  },
);

const spec = mapping(
  {
    description: 'Which records go to which function, and how they are delivered.',
    example: { source: { topics: ['orders'] }, function: { ref: { name: 'order-mailer' } } },
  },
  {
    suspend: withDefault(
      false,
      Type.Boolean({
        annotation: 'suspend',
        description:
          'While it is true, nothing is read or delivered, and the backlog counts as zero for scaling.',
      }),
    ),
    source: sourceSchema,
    event: withDefault({}, eventSchema),
    filters: withDefault(
      [],
      Type.Unsafe<readonly DeclaredFilter[]>({
        type: 'array',
        maxItems: mostFilters,
        items: filterRef,
        expected: `a list of at most ${mostFilters} filters`,
        example: [{ exact: { type: 'order.placed' } }],
        description:
          'An event goes to the function only if all filters pass. Otherwise its record is settled without an attempt.',
      }),
    ),
    transform: withDefault(
      [],
      Type.Array(Type.Unknown(), {
        maxItems: 0,
        expected: 'a list',
        description: 'Inline processing, in this order.',
        notBuilt: {
          what: 'inline processing',
          except: [],
          instead: 'Leave it out. Transform events in a function that has a reply topic.',
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

/** A Trigger as a user declares it: fields with a default may be absent. */
export type Trigger = Static<typeof triggerSchema>;

/** A Trigger with its defaults filled in. Defaults that are computed from other fields are still absent. */
export type FilledTrigger = Filled<typeof triggerSchema>;

// Writes the CustomResourceDefinitions, made from core/resources/schema: `npm run generate:crds`. A test fails if the files are outdated.
import { mkdirSync, writeFileSync } from 'node:fs';
import { Document } from 'yaml';
import type { FieldSchema } from '../core/resources/schema/fields.ts';
import { kafkaClusterSchema } from '../core/resources/schema/kafka-cluster-schema.ts';
import { apiGroup, apiVersion, triggerSchema } from '../core/resources/schema/trigger-schema.ts';
import { kafkaClusterRules, triggerRules } from './crd-rules.ts';
import { structural, type Rules, type StructuralSchema } from './crd-schema.ts';
import { kafkaClusterStatus, triggerStatus } from './crd-status.ts';

const note = ' Made by `npm run generate:crds`. Do not edit.';
const version = apiVersion.slice(apiGroup.length + 1);

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly description: string;
  readonly jsonPath: string;
  /** Above 0: shown with `-o wide` only. */
  readonly priority?: number;
}

interface Definition {
  readonly kind: string;
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  readonly schema: FieldSchema;
  readonly filter?: FieldSchema;
  readonly rules: Rules;
  readonly status: StructuralSchema;
  readonly columns: readonly Column[];
}

const age: Column = {
  name: 'Age',
  type: 'date',
  description: 'Time since its creation.',
  jsonPath: '.metadata.creationTimestamp',
};

const trigger: Definition = {
  kind: 'Trigger',
  plural: 'triggers',
  shortName: 'mtr',
  description:
    'A Trigger delivers the records of Kafka topics to a function, as CloudEvents over HTTP, and scales the function by its ' +
    'backlog: to zero, and back with the next record.',
  schema: triggerSchema as unknown as FieldSchema,
  filter: (triggerSchema as unknown as { $defs: { filter: FieldSchema } }).$defs.filter,
  rules: triggerRules,
  status: triggerStatus,
  columns: [
    condition('Ready', 'status', 'Whether records are delivered as they arrive.'),
    condition('Reason', 'reason', 'Why it is ready or not. kubectl describe shows what to do.'),
    column('Topics', 'topics', 'The topics that it reads.'),
    column('Function', 'function', 'The function.'),
    column('Backlog', 'backlog', 'Records that are not settled yet, in orders of magnitude.'),
    { ...column('Replicas', 'replicas', 'Replicas of the function.'), type: 'integer' },
    age,
    { ...column('Group', 'consumerGroup', 'The consumer group.'), priority: 1 },
  ],
};

const kafkaCluster: Definition = {
  kind: 'KafkaCluster',
  plural: 'kafkaclusters',
  shortName: 'mkc',
  description:
    'A KafkaCluster says how to connect to a Kafka cluster. Triggers of its namespace write its name as spec.source.cluster; if ' +
    'its name is main, they use it instead of the cluster of the installation unless they name another.',
  schema: kafkaClusterSchema as unknown as FieldSchema,
  rules: kafkaClusterRules,
  status: kafkaClusterStatus,
  columns: [
    {
      name: 'Bootstrap servers',
      type: 'string',
      description: 'The brokers to connect to first.',
      jsonPath: '.spec.bootstrapServers',
    },
    age,
  ],
};

function column(name: string, field: string, description: string): Column {
  return { name, type: 'string', description, jsonPath: `.status.${field}` };
}

function condition(name: string, field: string, description: string): Column {
  const jsonPath = `.status.conditions[?(@.type=="Ready")].${field}`;
  return { name, type: 'string', description, jsonPath };
}

/** Path below the root of the repository → text. */
export function renderCrds(): ReadonlyMap<string, string> {
  return new Map(
    [trigger, kafkaCluster].map((one) => [`charts/millrace/files/crds/${one.plural}.yaml`, render(one)]),
  );
}

function render(definition: Definition): string {
  const document = new Document(resourceOf(definition), { aliasDuplicateObjects: false });
  document.commentBefore = note;
  return document.toString({ lineWidth: 120 });
}

function resourceOf(definition: Definition): unknown {
  const { kind, plural, shortName, columns } = definition;
  const names = {
    kind,
    listKind: `${kind}List`,
    plural,
    singular: kind.toLowerCase(),
    shortNames: [shortName],
    categories: ['millrace'],
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${apiGroup}` },
    spec: {
      group: apiGroup,
      names,
      scope: 'Namespaced',
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns.map((one) => ({ ...one, name: one.name.toUpperCase() })),
          schema: { openAPIV3Schema: schemaOf(definition) },
        },
      ],
    },
  };
}

function schemaOf({ kind, description, schema, filter, rules, status }: Definition): StructuralSchema {
  const { spec = {} } = schema.properties ?? {};
  const context = { rules, ...(filter === undefined ? {} : { filter }) };
  return {
    description,
    type: 'object',
    properties: {
      apiVersion: { type: 'string', description: `The API version of the resource: ${apiVersion}.` },
      kind: { type: 'string', description: `The kind of the resource: ${kind}.` },
      metadata: { type: 'object' },
      spec: structural(spec, context, 'spec'),
      status,
    },
    required: ['spec'],
  };
}

if (import.meta.main) {
  const root = new URL('../', import.meta.url);
  mkdirSync(new URL('charts/millrace/files/crds/', root), { recursive: true });
  for (const [path, text] of renderCrds()) writeFileSync(new URL(path, root), text);
}

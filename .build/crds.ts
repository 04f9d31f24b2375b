// Writes the CustomResourceDefinitions that are made from the contract: `npm run generate:crds`. A test fails when they drift.
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
  /** Above 0: with `-o wide` only. */
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
  description: 'Since its creation.',
  jsonPath: '.metadata.creationTimestamp',
};

const trigger: Definition = {
  kind: 'Trigger',
  plural: 'triggers',
  shortName: 'mtr',
  description:
    'A Trigger delivers the records of Kafka topics to a function, as CloudEvents over HTTP, and has the function scaled by ' +
    'what is left to deliver: to zero, and back with the next record.',
  schema: triggerSchema as unknown as FieldSchema,
  filter: (triggerSchema as unknown as { $defs: { filter: FieldSchema } }).$defs.filter,
  rules: triggerRules,
  status: triggerStatus,
  columns: [
    condition('Ready', 'status', 'Whether records are delivered as they come.'),
    condition('Reason', 'reason', 'Why it is ready, or is not; kubectl describe tells what to do.'),
    column('Topics', 'topics', 'The topics that it reads.'),
    column('Function', 'function', 'Who answers.'),
    column('Backlog', 'backlog', 'Records that are not delivered yet, in orders of magnitude.'),
    { ...column('Replicas', 'replicas', 'Of the function.'), type: 'integer' },
    age,
    { ...column('Group', 'consumerGroup', 'The consumer group.'), priority: 1 },
  ],
};

const kafkaCluster: Definition = {
  kind: 'KafkaCluster',
  plural: 'kafkaclusters',
  shortName: 'mkc',
  description:
    'A KafkaCluster says how a Kafka cluster is reached. The Triggers of its namespace name it as spec.source.cluster; one ' +
    'that is named main stands for the installation’s own there.',
  schema: kafkaClusterSchema as unknown as FieldSchema,
  rules: kafkaClusterRules,
  status: kafkaClusterStatus,
  columns: [
    {
      name: 'Bootstrap servers',
      type: 'string',
      description: 'The brokers to begin with.',
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

function schemaOf({ description, schema, filter, rules, status }: Definition): StructuralSchema {
  const { spec = {} } = schema.properties ?? {};
  const context = { rules, ...(filter === undefined ? {} : { filter }) };
  return {
    description,
    type: 'object',
    properties: {
      apiVersion: { type: 'string', description: `${apiVersion}.` },
      kind: { type: 'string', description: `${schema.properties?.kind?.const ?? ''}.` },
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

// The table of fields of Trigger and KafkaCluster, made from their schemas: path, schema, default, description, annotation. Every
// default stands in the schemas and nowhere else.
import { formats } from './formats.ts';
import { kafkaClusterSchema } from './kafka-cluster-schema.ts';
import { pathText, type Path } from '../../contract/path.ts';
import { maxInt32, type FieldNotes } from './schema-notes.ts';
import { triggerSchema } from './trigger-schema.ts';

/** A JSON Schema as the schemas of this folder write it. */
export interface FieldSchema extends FieldNotes {
  readonly type?: string | readonly string[];
  readonly const?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly propertyNames?: { readonly pattern: string };
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly items?: FieldSchema;
  readonly additionalProperties?: boolean | FieldSchema;
  readonly $ref?: string;
}

export interface Field {
  /** `spec.delivery.retry`; `spec.filters[].exact` for each item of a list. */
  readonly path: string;
  /** The path as steps; 0 stands for each item of a list. */
  readonly steps: Path;
  readonly schema: FieldSchema;
  readonly required: boolean;
  readonly description: string;
  readonly default?: unknown;
  readonly defaultRule?: string | undefined;
  /** The annotation that sets the field, without its prefix. */
  readonly annotation?: string | undefined;
}

const root = triggerSchema as unknown as FieldSchema & {
  readonly $defs: { readonly filter: FieldSchema };
};

/** Every field of a Trigger that has a description, in the order of declaration. */
export const fieldTable: readonly Field[] = fieldsBelow(root, []);

/** The same for a KafkaCluster. */
export const clusterFieldTable: readonly Field[] = fieldsBelow(
  kafkaClusterSchema as unknown as FieldSchema,
  [],
);

function fieldsBelow(schema: FieldSchema, above: Path): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, below]) => {
    const steps = [...above, name];
    const row = fieldAt(steps, below, schema.required?.includes(name) === true);
    const filter =
      below.items?.$ref === undefined || above.length > 1
        ? []
        : fieldsBelow(root.$defs.filter, [...steps, 0]);
    const items = below.items === undefined ? [] : fieldsBelow(below.items, [...steps, 0]);
    return [...row, ...fieldsBelow(below, steps), ...items, ...filter];
  });
}

function fieldAt(steps: Path, schema: FieldSchema, required: boolean): Field[] {
  if (schema.description === undefined) return [];
  return [
    {
      path: pathText(steps).replaceAll('[0]', '[]'),
      steps,
      schema,
      required,
      description: schema.description,
      default: schema.default,
      defaultRule: schema.defaultRule,
      annotation: schema.annotation,
    },
  ];
}

/** The namespace of resources that name none. */
export const defaultNamespace = String(fieldTable.find(({ path }) => path === 'metadata.namespace')?.default);

/** The default of a field whose default depends on others, such as `millrace.<namespace>.<name>`. */
export function computedDefault(path: string, values: Readonly<Record<string, string>>): string {
  const rule = fieldTable.find((field) => field.path === path)?.defaultRule;
  if (rule === undefined) throw new TypeError(`${path} has no computed default`);
  return rule.replaceAll(/<(\w+)>/g, (placeholder, name: string) => values[name] ?? placeholder);
}

/** Describes a valid value; ends the sentence "must be …". */
export function expectation(schema: FieldSchema): string {
  if (schema.expected !== undefined) return schema.expected;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.format !== undefined) return formats[schema.format].expected;
  switch (schema.type) {
    case 'integer':
      return wholeNumber(schema);
    case 'boolean':
      return 'true or false';
    case 'string':
      return `a string of ${schema.minLength ?? 0} to ${schema.maxLength} characters`;
    case 'array':
      return 'a list';
    default:
      return 'a mapping';
  }
}

function wholeNumber({ minimum, maximum }: FieldSchema): string {
  const range = maximum === maxInt32 ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return `a whole number ${range}`;
}

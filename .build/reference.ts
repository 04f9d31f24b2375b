// Writes the reference pages, made from the code: `npm run docs:reference`. A test fails if the files are outdated.
import { EventEmitter } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createMetrics } from '../gateway/admin/gateway-metrics.ts';
import { gatewayOwnSettings } from '../gateway/config.ts';
import { commandVariables, functionVariables } from '../cli/variables.ts';
import { controllerOwnSettings, controllerSettings } from '../controller/config.ts';
import { accessSettings } from '../core/process/access-settings.ts';
import type { Settings } from '../core/process/settings.ts';
import { sharedSettings } from '../core/process/shared-settings.ts';
import { annotationTable, topicsAnnotation } from '../core/resources/annotations.ts';
import { errorTable } from '../core/contract/errors.ts';
import { clusterFieldTable, expectation, fieldTable, type Field } from '../core/resources/schema/fields.ts';
import { apiVersion } from '../core/resources/schema/trigger-schema.ts';
import { createScalerMetrics } from '../scaler/admin/scaler-metrics.ts';
import { scalerOwnSettings } from '../scaler/config.ts';
import { createScalerEmitter } from '../scaler/scaler-events.ts';
import { createWantedTriggers } from '../scaler/wanted-triggers.ts';

const note = '<!-- Made by `npm run docs:reference`. Do not edit. -->';

/** Path of a page in the repository → its text. */
export function renderReference(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/reference/trigger.md', triggerPage()],
    ['docs/reference/kafka-cluster.md', kafkaClusterPage()],
    ['docs/reference/annotations.md', annotationsPage()],
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/configuration.md', configurationPage()],
    ['docs/reference/metrics.md', metricsPage()],
  ]);
}

function triggerPage(): string {
  return page(
    'Trigger',
    `A \`Trigger\` (\`${apiVersion}\`) says which topics go to which function, and how. The table lists every field in the order of ` +
      'the manifest; Millrace refuses any other. `millrace validate FILE` shows every mistake in a manifest at once.',
    fieldsTable(fieldTable),
  );
}

function kafkaClusterPage(): string {
  return page(
    'KafkaCluster',
    `A \`KafkaCluster\` (\`${apiVersion}\`) says how to connect to a Kafka cluster. Triggers of its namespace write its name as ` +
      '[`source.cluster`](trigger.md). Triggers of the namespaces in `spec.allowedNamespaces` write `namespace/name`. In its ' +
      'namespace, a KafkaCluster named `main` replaces the cluster of the installation. The table lists every field; Millrace ' +
      'refuses any other.',
    fieldsTable(clusterFieldTable),
  );
}

function fieldsTable(fields: readonly Field[]): string {
  const rows = fields.map((field) => [
    code(field.path),
    expectation(field.schema),
    defaultOf(field),
    describe(field),
  ]);
  return table(['field', 'must be', 'default', 'what it does'], rows);
}

function annotationsPage(): string {
  const rows = annotationTable.map(({ key, field }) => {
    const value =
      field.schema.type === 'array' ? 'topic names, separated by commas' : expectation(field.schema);
    // Only `topics` is required here: the mappings around other required fields may be absent.
    const fallback = key === topicsAnnotation ? 'required' : field.required ? '' : defaultOf(field);
    return [code(key), code(field.path), value, fallback, describe(field)];
  });
  return page(
    'Annotations',
    'Annotations in the metadata of a Deployment declare a Trigger with the name of the Deployment, and with the Deployment as ' +
      'its function. The annotation `millrace.dev/topics` is required: without it, all others have no effect. Every value is a ' +
      'string, so write numbers in quotes.',
    table(['annotation', 'field of the Trigger', 'must be', 'default', 'what it does'], rows),
  );
}

function errorsPage(): string {
  const rows = Object.entries(errorTable).map(([name, remedy]) => [code(name), remedy]);
  return page(
    'Errors',
    'Every error that Millrace raises on purpose has a code. The message of the error says what happened and where. This page ' +
      'says what to do.',
    table(['code', 'what to do'], rows),
  );
}

function configurationPage(): string {
  const named = (help: Readonly<Record<string, string>>): string =>
    table(
      ['variable', 'what it is'],
      Object.entries(help).map(([name, text]) => [code(name), text]),
    );
  return page(
    'Configuration',
    'Gateway and scaler read their settings from the environment, once, at the start. An empty variable counts as absent. ' +
      'All mistakes are reported at once, as `MILLRACE_CONFIG_INVALID`. Durations are ISO 8601 (`PT25S`), sizes are quantities ' +
      '(`32Mi`). An option of `millrace gateway` or `millrace scaler`, in brackets below, goes before its variable. The settings ' +
      'of one trigger are in its [manifest](trigger.md).',
    [
      `## Gateway and scaler\n\n${settingsTable(sharedSettings)}`,
      `Who may call their ports:\n\n${settingsTable(accessSettings)}`,
      `## Gateway\n\n${settingsTable(gatewayOwnSettings)}`,
      `## Scaler\n\n${settingsTable(scalerOwnSettings)}`,
      `In Kubernetes, for the controller that runs in the scaler (the chart sets all of it):\n\n${settingsTable(controllerOwnSettings)}`,
      `\`millrace cleanup\` reads ${Object.keys(controllerSettings).map(code).join(', ')}, as the scaler does.`,
      `## Commands for one machine\n\n${named(commandVariables)}`,
      `## What a function is given\n\nBy \`millrace dev\` and the demo, besides their own environment:\n\n${named(functionVariables)}`,
    ].join('\n\n'),
  );
}

function settingsTable(settings: Settings): string {
  const rows = Object.entries(settings).map(([name, { default: fallback, help }]) => [
    code(name),
    fallback === undefined ? '' : code(fallback),
    help,
  ]);
  return table(['variable', 'default', 'what it is'], rows);
}

function metricsPage(): string {
  const events = createScalerEmitter();
  return page(
    'Metrics',
    'Gateway and scaler serve Prometheus metrics on `/metrics` of the port in their [settings](configuration.md). The name of a ' +
      'metric contains its unit. The labels `namespace` and `trigger` name the trigger; no label holds a topic, a key or an ' +
      'id. A counter with labels appears when it first counts something. For alerts, see [Operations](../guides/operations.md).',
    [
      `## Gateway\n\n${metricsTable(createMetrics(new EventEmitter(), () => []))}`,
      'The gateway also serves the `process_*` and `nodejs_*` metrics of prom-client: CPU, memory, event loop, garbage collection.',
      `## Scaler\n\n${metricsTable(createScalerMetrics(events, createWantedTriggers()))}`,
      labelsText,
    ].join('\n\n'),
  );
}

const labelsText = `## Values of the labels

| label | values |
| --- | --- |
| \`settlement\` | \`delivered\`, \`filtered\`, \`dead-lettered\`, \`skipped\` |
| \`outcome\` of attempts | \`delivered\`, \`retry\`, \`rejected\`, \`unreachable\` |
| \`outcome\` of polls | \`answered\`, \`unreachable\` |
| \`status\` of attempts | the HTTP status, or \`none\` where no answer came |
| \`status\` of gRPC requests | the gRPC status: \`OK\`, \`NOT_FOUND\`, \`UNAVAILABLE\`, … |
| \`reason\` of dead letters | \`exhausted\`, \`rejected\`, \`expired\`, \`undecodable\`, \`skipped\` |
| \`reason\` of filter errors in CEL | \`missingAttribute\`, \`payload\` (\`data\` cannot be read), \`limit\` (the evaluation costs too much), \`evaluation\` (a missing field, types that do not fit…), \`noBoolean\` (the result is neither true nor false) |
| \`reason\` of filter errors in CESQL | \`missingAttribute\`, \`cast\`, \`math\`, \`functionEvaluation\`, \`missingFunction\`, \`generic\` |
| \`dialect\` | \`cesql\`, \`cel\` |
| \`reason\` of rebuilds | \`crashed\`, \`stalled\`, \`joining\`, \`topics\` |
| \`reason\` of skipped offsets | \`deleted\` |
| \`reason\` of rewinds | \`recreated\`, \`truncated\` |
| \`what\` | \`dead letter\`, \`reply\` |
| \`result\` | \`committed\`, \`failed\` |
| \`code\` | a code of [Errors](errors.md), or \`none\` |
| \`known\` | \`false\` for a trigger that the scaler does not know |`;

/** Millrace's own metrics. Those of prom-client depend on the platform. */
function metricsTable(registry: ReturnType<typeof createMetrics>): string {
  const rows = registry
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith('millrace_'))
    .map((metric) => {
      // prom-client has this property, but does not declare it.
      const { labelNames = [] } = metric as unknown as { labelNames?: readonly string[] };
      return [code(metric.name), String(metric.type), labelNames.map(code).join(', '), metric.help];
    });
  return table(['metric', 'type', 'labels', 'what it is'], rows);
}

function defaultOf({ schema, defaultRule, required }: Field): string {
  if (required) return 'required';
  if (defaultRule !== undefined) return code(defaultRule);
  if (schema.default === undefined || schema.type === 'object') return '';
  return code(typeof schema.default === 'string' ? schema.default : JSON.stringify(schema.default));
}

function describe({ description, schema }: Field): string {
  const { notBuilt } = schema;
  if (notBuilt === undefined) return description;
  const exception = 'except' in notBuilt ? `, only ${code(JSON.stringify(notBuilt.except))} is allowed` : '';
  return `${description} Not built yet${exception}.`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function page(title: string, introduction: string, body: string): string {
  return `${note}\n\n# ${title}\n\n${introduction}\n\n${body}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

if (import.meta.main) {
  const root = new URL('../', import.meta.url);
  mkdirSync(new URL('docs/reference/', root), { recursive: true });
  for (const [path, text] of renderReference()) writeFileSync(new URL(path, root), text);
}

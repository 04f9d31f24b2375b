// Writes the reference pages, made from the code: `npm run docs:reference`. A test fails if the files are outdated.
import { GatewayEmitter } from '../core/contract/gateway-events.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import { commandLinePage } from './command-line-page.ts';
import { code, page, table } from './markdown.ts';
import { createMetrics } from '../gateway/admin/gateway-metrics.ts';
import { gatewayOwnSettings } from '../gateway/config.ts';
import { commandVariables, functionVariables } from '../cli/variables.ts';
import type { ReasonRow } from '../controller/plan/conditions/reason-row.ts';
import { reasonTable } from '../controller/plan/conditions/reasons.ts';
import { controllerOwnSettings, controllerSettings } from '../controller/config.ts';
import { accessSettings } from '../core/process/access-settings.ts';
import type { Settings } from '../core/process/settings.ts';
import { sharedSettings } from '../core/process/shared-settings.ts';
import { annotationTable, topicsAnnotation } from '../core/resources/annotations.ts';
import { errorTable } from '../core/contract/errors.ts';
import { clusterFieldTable, expectation, fieldTable, type Field } from '../core/resources/schema/fields.ts';
import { apiVersion } from '../core/resources/schema/trigger-schema.ts';
import type { ConditionType } from '../core/resources/trigger-status.ts';
import { createControllerEmitter } from '../controller/controller-events.ts';
import { createScalerMetrics } from '../scaler/admin/scaler-metrics.ts';
import { scalerOwnSettings } from '../scaler/config.ts';
import { createScalerEmitter } from '../scaler/scaler-events.ts';
import { createWantedTriggers } from '../scaler/wanted-triggers.ts';

/** Path of a page in the repository → its text. */
export function renderReference(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/reference/trigger.md', triggerPage()],
    ['docs/reference/kafka-cluster.md', kafkaClusterPage()],
    ['docs/reference/annotations.md', annotationsPage()],
    ['docs/reference/conditions.md', conditionsPage()],
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/configuration.md', configurationPage()],
    ['docs/reference/metrics.md', metricsPage()],
    ['docs/reference/command-line.md', commandLinePage()],
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

/** Condition → what is the case when it is True. */
const conditionMeanings: Readonly<Record<ConditionType | 'Event', string>> = {
  Ready:
    'Records are delivered as they come. It is True if all others are; otherwise it has the reason of the first that is not.',
  Accepted: 'The Trigger is valid, and has its consumer group for itself.',
  SourceReady: 'The topics exist, and gateways read all their partitions.',
  FunctionReady: 'There is a function to deliver to, running or scaled to zero.',
  ScalerReady: 'KEDA scales the function, or nothing is to be scaled.',
  DeadLetterReady: 'The topics for dead letters and replies exist, and may be written to.',
  Event: 'Reasons of Events of Deployments and Triggers that are no conditions.',
};

function conditionsPage(): string {
  const rowsOf = (condition: string): string[][] =>
    Object.entries<ReasonRow>(reasonTable)
      .filter(([, { of }]) => of.some((one) => one === condition))
      .map(([reason, { meaning, remedy }]) => [code(reason), meaning, remedy]);
  const sections = Object.entries(conditionMeanings).map(([condition, text]) => {
    const head = condition === 'Event' ? 'Events' : condition;
    return `## ${head}\n\n${text}\n\n${table(['reason', 'what is the case', 'what to do'], rowsOf(condition))}`;
  });
  return page(
    'Conditions',
    'The status of a Trigger has these conditions. `kubectl get triggers` shows the reason of `Ready`, and `kubectl describe trigger ' +
      'NAME` all of them, each with a message that says what to do. A condition that turns False, or is False for a new reason, ' +
      'becomes a Warning Event too. A message that is longer than Kubernetes allows is cut, and the log of the scaler has the whole.',
    sections.join('\n\n'),
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
      `## Other commands\n\n${commandTable()}`,
      `## What a function is given\n\nBy \`millrace dev\` and the demo, besides their own environment:\n\n${named(functionVariables)}`,
    ].join('\n\n'),
  );
}

function commandTable(): string {
  const rows = Object.entries(commandVariables).map(([name, { help, commands }]) => [
    code(name),
    commands === 'all' ? 'all' : commands.map(code).join(', '),
    help,
  ]);
  return table(['variable', 'commands', 'what it is'], rows);
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
      'id. A counter appears when it first counts something for its trigger, and goes when the trigger is gone. For alerts, see [Operations](../guides/operations.md).',
    [
      `## Gateway\n\n${metricsTable(createMetrics(new GatewayEmitter(), () => []))}`,
      'The gateway also serves the `process_*` and `nodejs_*` metrics of prom-client: CPU, memory, event loop, garbage collection.',
      `## Scaler\n\nIt serves the \`process_*\` and \`nodejs_*\` metrics, too.\n\n${metricsTable(createScalerMetrics(events, createControllerEmitter(), createWantedTriggers()))}`,
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
| \`status\` of requests to the API server | the HTTP status, or \`none\` where no answer came |
| \`verb\`, \`resource\` of requests to the API server | as in a Role: \`patch\`, \`triggers/status\`; \`discovery\` for the list of what is served |
| \`kind\`, \`outcome\` of reconciles | \`trigger\`, \`deployment\`; \`done\`, \`failed\` |
| \`condition\` of failed steps | a condition of the [Trigger](conditions.md) |
| \`reason\` of dead letters | \`exhausted\`, \`rejected\`, \`expired\`, \`undecodable\`, \`skipped\`, \`unreadable\` |
| \`reason\` of filter errors in CEL | \`missingAttribute\`, \`payload\` (\`data\` cannot be read), \`limit\` (the evaluation costs too much), \`evaluation\` (a missing field, types that do not fit…), \`noBoolean\` (the result is neither true nor false) |
| \`reason\` of filter errors in CESQL | \`missingAttribute\`, \`cast\`, \`math\`, \`functionEvaluation\`, \`missingFunction\`, \`generic\` |
| \`dialect\` | \`cesql\`, \`cel\` |
| \`reason\` of rebuilds | \`crashed\`, \`joining\`, \`topics\` |
| \`reason\` of skipped offsets | \`deleted\`, \`unreadable\` |
| \`reason\` of rewinds | \`recreated\`, \`truncated\`, \`reset\` |
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

if (import.meta.main) {
  const root = new URL('../', import.meta.url);
  mkdirSync(new URL('docs/reference/', root), { recursive: true });
  for (const [path, text] of renderReference()) writeFileSync(new URL(path, root), text);
}

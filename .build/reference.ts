// Writes the reference pages that are made from the code: `npm run docs:reference`. A test fails when they drift.
import { EventEmitter } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createMetrics } from '../gateway/admin/gateway-metrics.ts';
import { gatewaySettings } from '../gateway/config.ts';
import { accessSettings } from '../core/access/access-settings.ts';
import { annotationTable, topicsAnnotation } from '../core/resources/annotations.ts';
import { errorTable } from '../core/contract/errors.ts';
import { clusterFieldTable, expectation, fieldTable, type Field } from '../core/resources/schema/fields.ts';
import { apiVersion } from '../core/resources/schema/trigger-schema.ts';
import { createScalerMetrics } from '../scaler/admin/scaler-metrics.ts';
import { readScalerConfig } from '../scaler/config.ts';
import { parseKubernetesConfig } from '../controller/controller-settings.ts';
import { createScalerEmitter } from '../scaler/scaler-events.ts';
import { createWantedTriggers } from '../scaler/wanted-triggers.ts';

const note = '<!-- Made by `npm run docs:reference`. Do not edit. -->';

/** The pages: path below the root of the repository → text. */
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
    `A \`Trigger\` (\`${apiVersion}\`) says which topics go to which function. Every field, in the order of the manifest; ` +
      'whatever is not listed is refused. `millrace validate FILE` shows every mistake at once.',
    fieldsTable(fieldTable),
  );
}

function kafkaClusterPage(): string {
  return page(
    'KafkaCluster',
    `A \`KafkaCluster\` (\`${apiVersion}\`) says how a Kafka cluster is reached. Triggers of its namespace, and no others, name it ` +
      'as [`source.cluster`](trigger.md); one that is named `main` stands for the cluster of the installation there. Whatever ' +
      'field is not listed is refused.',
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
      field.schema.type === 'array' ? 'topic names with commas between them' : expectation(field.schema);
    // Elsewhere `required` speaks of a mapping that may be absent as a whole.
    const fallback = key === topicsAnnotation ? 'required' : field.required ? '' : defaultOf(field);
    return [code(key), code(field.path), value, fallback, describe(field)];
  });
  return page(
    'Annotations',
    'Annotations on the metadata of a Deployment mean a Trigger of the Deployment’s name, with the Deployment as its ' +
      'function. `millrace.dev/topics` is the opt-in. All values are texts: numbers stand in quotes.',
    table(['annotation', 'field of the Trigger', 'must be', 'default', 'what it does'], rows),
  );
}

function errorsPage(): string {
  const rows = Object.entries(errorTable).map(([name, remedy]) => [code(name), remedy]);
  return page(
    'Errors',
    'Every error that Millrace raises on purpose has a code. The message says what happened and where; this page says ' +
      'what to do.',
    table(['code', 'what to do'], rows),
  );
}

/** What the scaler reads; its defaults are those of its own parser, so that they stand in one place. */
function scalerSettings(): [name: string, fallback: string | number, help: string][] {
  const { host, grpcPort, httpPort, logLevel } = readScalerConfig({ KAFKA_BROKERS: 'kafka:9092' });
  return [
    ['KAFKA_BROKERS', '', 'Brokers to start from, `host:port`, separated by commas. Required.'],
    ['MILLRACE_TRIGGERS', '', 'File or folder with the manifests. Required without MILLRACE_KUBERNETES.'],
    ['SCALER_HOST', host, 'Address that both ports listen at.'],
    ['SCALER_GRPC_PORT', grpcPort, 'Port for KEDA; 0 takes a free one.'],
    ['SCALER_HTTP_PORT', httpPort, 'Port of the activation call, metrics and health; 0 takes a free one.'],
    [
      'SCALER_TLS_CERT',
      '',
      'PEM file with the certificate of both ports; read again when it changes. Plain text when empty.',
    ],
    ['SCALER_TLS_KEY', '', 'PEM file with the key of that certificate.'],
    [
      'SCALER_TLS_CLIENT_CA',
      '',
      'PEM file with the CAs of whoever may call the gRPC port, that of the scaler itself included; anybody may when empty.',
    ],
    ...Object.entries(accessSettings).map(([name, one]): [string, string, string] => [
      name,
      one.default,
      one.help,
    ]),
    ['LOG_LEVEL', logLevel, 'trace, debug, info, warn, error or silent.'],
  ];
}

/** What the controller beside the scaler reads, and `millrace cleanup`. */
function controllerSettings(): [name: string, fallback: string | number, help: string][] {
  const { leaseName, functionUris, tenantAddresses } = parseKubernetesConfig({}, []);
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST } = gatewaySettings;
  return [
    [
      'MILLRACE_KUBERNETES',
      'false',
      '`true`: triggers come from the API server of Kubernetes, and of all scalers one makes what they mean.',
    ],
    ['KUBECONFIG', KUBECONFIG.default, KUBECONFIG.help],
    [
      'WATCH_NAMESPACES',
      '',
      'Namespaces whose Deployments and triggers are looked after, separated by commas; absent: all of them.',
    ],
    [
      'MILLRACE_FUNCTION_URIS',
      functionUris,
      'As the gateway has it: whether a trigger with a `function.uri` is accepted.',
    ],
    [
      'MILLRACE_TENANT_ADDRESSES',
      tenantAddresses,
      'As the gateway has it: whether brokers and token endpoints that tenants name may be anywhere.',
    ],
    ['KUBERNETES_SERVICE_HOST', KUBERNETES_SERVICE_HOST.default, KUBERNETES_SERVICE_HOST.help],
    [
      'SCALER_SERVICE',
      '',
      `Where KEDA reaches the scaler, \`host:port\`; without it nothing is scaled. The Lease by which one scaler leads has the first part of the host as its name, else \`${leaseName}\`.`,
    ],
    [
      'SCALER_TLS_CA',
      '',
      'PEM file with the CA by which KEDA is to trust the scaler, put beside each ScaledObject; read again every 30 s. Plain text when empty.',
    ],
    [
      'SCALER_CLUSTER_AUTHENTICATION',
      '',
      'Name of the ClusterTriggerAuthentication by which KEDA trusts the scaler and shows it who it is: ScaledObjects name it, and nothing is put beside them. Needs SCALER_TLS_CA.',
    ],
    [
      'POD_NAME',
      '',
      'Name of this pod, by the downward API: who holds the Lease. Absent: one made of the process id.',
    ],
    [
      'POD_NAMESPACE',
      '',
      'Where the Lease is, by the downward API; absent: the namespace of the kubeconfig.',
    ],
    ['POD_UID', '', 'UID of this pod, by the downward API, so that the Lease goes with it.'],
  ];
}

/** Read by the commands for one machine. */
const toolHelp = {
  KAFKA_BROKERS:
    '`dev` and `send` use these brokers; without it `dev` starts a Kafka of its own, and `send` refuses.',
  MILLRACE_GATEWAY_URLS:
    'Admin addresses of the gateways that `skip` asks, separated by commas; default `http://127.0.0.1:9464`.',
  MILLRACE_ADMIN_TOKEN:
    'What `skip` bears: the token of the gateways, one of the OpenID provider, or `kubectl create token NAME --audience=millrace`.',
  MILLRACE_CACHE_DIR:
    'Where the local Kafka is installed; default `$XDG_CACHE_HOME/millrace`, else `~/.cache/millrace`.',
  JAVA_HOME: 'The Java of the local Kafka; default the `java` on the PATH.',
  MILLRACE_DEBUG: '`1` shows the stack of an error that ends a command.',
} as const;

/** Given to functions that run as processes. */
const functionHelp = {
  PORT: 'Where to listen.',
  MILLRACE_TRIGGER: 'The trigger, `namespace/name`.',
  MILLRACE_REPLICA: 'The number of the replica, from 0.',
} as const;

function configurationPage(): string {
  const settings = (rows: readonly (readonly [string, string | number, string])[]): string =>
    table(
      ['variable', 'default', 'what it is'],
      rows.map(([name, fallback, help]) => [code(name), fallback === '' ? '' : code(String(fallback)), help]),
    );
  const named = (help: Readonly<Record<string, string>>): string =>
    table(
      ['variable', 'what it is'],
      Object.entries(help).map(([name, text]) => [code(name), text]),
    );
  const gateway = Object.entries(gatewaySettings).map(
    ([name, one]) => [name, one.default, one.help] as const,
  );
  return page(
    'Configuration',
    'Gateway and scaler read their settings from the environment, once, at the start. An empty variable counts as absent. ' +
      'All mistakes are told at once, as `MILLRACE_CONFIG_INVALID`. Durations are ISO 8601 (`PT25S`), sizes are quantities ' +
      '(`32Mi`). What concerns one trigger stands in its [manifest](trigger.md).',
    [
      `## Gateway\n\n${settings(gateway)}`,
      '`millrace gateway --triggers`, `--kubernetes`, `--kubeconfig` and `--admin-port` go before `MILLRACE_TRIGGERS`, `MILLRACE_KUBERNETES`, ' +
        '`KUBECONFIG` and `MILLRACE_ADMIN_PORT`.',
      `## Scaler\n\n${settings(scalerSettings())}`,
      '`millrace scaler --triggers`, `--grpc-port` and `--http-port` go before the variables of the same meaning.',
      `In Kubernetes, where its controller makes what triggers and annotations mean (the chart sets all of it):\n\n${settings(controllerSettings())}`,
      '`millrace cleanup` reads `KUBECONFIG`, `WATCH_NAMESPACES`, `SCALER_SERVICE` and `POD_NAMESPACE` of these, as the scaler has them.',
      `## Commands for one machine\n\n${named(toolHelp)}`,
      `## What a function is given\n\nBy \`millrace dev\` and the demo, besides their own environment:\n\n${named(functionHelp)}`,
    ].join('\n\n'),
  );
}

function metricsPage(): string {
  const events = createScalerEmitter();
  return page(
    'Metrics',
    'Prometheus metrics, on `/metrics` of the port that [serves them](configuration.md). Units stand in the names. The labels ' +
      '`namespace` and `trigger` name the trigger; no label holds a topic, a key or an id. A counter with labels appears with its ' +
      'first event. What to alert on: [Operations](../guides/operations.md).',
    [
      `## Gateway\n\n${metricsTable(createMetrics(new EventEmitter(), () => []))}`,
      'Beside these stand the `process_*` and `nodejs_*` metrics of prom-client: CPU, memory, event loop, garbage collection.',
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
| \`reason\` of filter errors in CEL | \`missingAttribute\`, \`payload\` (\`data\` cannot be read), \`limit\` (too much work), \`evaluation\` (a missing field, types that do not go together…), \`noBoolean\` |
| \`reason\` of filter errors in CESQL | \`missingAttribute\`, \`cast\`, \`math\`, \`functionEvaluation\`, \`missingFunction\`, \`generic\` |
| \`dialect\` | \`cesql\`, \`cel\` |
| \`reason\` of rebuilds | \`crashed\`, \`stalled\`, \`joining\`, \`topics\` |
| \`reason\` of skipped offsets | \`deleted\` |
| \`reason\` of rewinds | \`recreated\`, \`truncated\` |
| \`what\` | \`dead letter\`, \`reply\` |
| \`result\` | \`committed\`, \`failed\` |
| \`code\` | a code of [Errors](errors.md), or \`none\` |
| \`known\` | \`false\` for a trigger that the scaler does not know |`;

/** Our own metrics: those of the process depend on the platform. */
function metricsTable(registry: ReturnType<typeof createMetrics>): string {
  const rows = registry
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith('millrace_'))
    .map((metric) => {
      // prom-client keeps them, and does not declare them.
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
  const exception = 'except' in notBuilt ? `, only ${code(JSON.stringify(notBuilt.except))} is taken` : '';
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

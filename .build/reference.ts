// Writes the reference pages, made from the code: `npm run docs:reference`. A test fails if the files are outdated.
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

/** The settings of the scaler. The defaults come from its own parser, so that they stand in one place. */
function scalerSettings(): [name: string, fallback: string | number, help: string][] {
  const { host, grpcPort, httpPort, logLevel } = readScalerConfig({ KAFKA_BROKERS: 'kafka:9092' });
  return [
    ['KAFKA_BROKERS', '', 'Brokers to connect to first, `host:port`, separated by commas. Required.'],
    ['MILLRACE_TRIGGERS', '', 'File or folder with the manifests. Required without MILLRACE_KUBERNETES.'],
    ['SCALER_HOST', host, 'Address that both ports listen on.'],
    ['SCALER_GRPC_PORT', grpcPort, 'gRPC port for KEDA; 0 takes a free port.'],
    [
      'SCALER_HTTP_PORT',
      httpPort,
      'HTTP port for activation calls, metrics and health; 0 takes a free port.',
    ],
    [
      'SCALER_TLS_CERT',
      '',
      'PEM file with the certificate of both ports; read again when it changes. Absent: plain text.',
    ],
    ['SCALER_TLS_KEY', '', 'PEM file with the key of that certificate.'],
    [
      'SCALER_TLS_CLIENT_CA',
      '',
      'PEM file with the CAs whose client certificates may call the gRPC port. It must include the CA of the scaler’s own certificate. Absent: everybody may call it.',
    ],
    ...Object.entries(accessSettings).map(([name, one]): [string, string, string] => [
      name,
      one.default,
      one.help,
    ]),
    ['LOG_LEVEL', logLevel, 'trace, debug, info, warn, error or silent.'],
  ];
}

/** The settings of the controller, which runs in the scaler, and of `millrace cleanup`. */
function controllerSettings(): [name: string, fallback: string | number, help: string][] {
  const { leaseName, functionUris, tenantAddresses } = parseKubernetesConfig({}, []);
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST } = gatewaySettings;
  return [
    [
      'MILLRACE_KUBERNETES',
      'false',
      '`true`: triggers come from the API server of Kubernetes, and the leader among the scalers creates the resources that they need.',
    ],
    ['KUBECONFIG', KUBECONFIG.default, KUBECONFIG.help],
    [
      'WATCH_NAMESPACES',
      '',
      'Namespaces whose Deployments and triggers the controller watches, separated by commas. Absent: all.',
    ],
    [
      'MILLRACE_FUNCTION_URIS',
      functionUris,
      'Whether a trigger with a `function.uri` is accepted. Set it as for the gateway.',
    ],
    [
      'MILLRACE_TENANT_ADDRESSES',
      tenantAddresses,
      'Which addresses tenants may name as brokers and token endpoints. Set it as for the gateway.',
    ],
    ['KUBERNETES_SERVICE_HOST', KUBERNETES_SERVICE_HOST.default, KUBERNETES_SERVICE_HOST.help],
    [
      'SCALER_SERVICE',
      '',
      `Address at which KEDA reaches the scaler, \`host:port\`. Absent: nothing is scaled. The first label of the host is also the name of the Lease that elects the leader; absent: \`${leaseName}\`.`,
    ],
    [
      'SCALER_TLS_CA',
      '',
      'PEM file with the CA by which KEDA trusts the scaler. The controller puts it into a resource beside each ScaledObject, and reads the file again every 30 s. Absent: plain text.',
    ],
    [
      'SCALER_CLUSTER_AUTHENTICATION',
      '',
      'Name of the ClusterTriggerAuthentication with which KEDA trusts the scaler and authenticates at it. ScaledObjects then refer to it, and nothing is put beside them. Requires SCALER_TLS_CA.',
    ],
    [
      'POD_NAME',
      '',
      'Name of this pod, from the downward API; it identifies the holder of the Lease. Absent: a name made from the process id.',
    ],
    [
      'POD_NAMESPACE',
      '',
      'Namespace of this pod, from the downward API; the Lease is there. Absent: the namespace of the kubeconfig.',
    ],
    ['POD_UID', '', 'UID of this pod, from the downward API, so that the Lease is deleted with the pod.'],
  ];
}

/** The settings of the commands for one machine. */
const toolHelp = {
  KAFKA_BROKERS:
    'Brokers for `dev` and `send`. Absent: `dev` starts a Kafka of its own, and `send` refuses to run.',
  MILLRACE_GATEWAY_URLS:
    'Admin addresses of the gateways that `skip` asks, separated by commas. Default: `http://127.0.0.1:9464`.',
  MILLRACE_ADMIN_TOKEN:
    'Bearer token that `skip` sends: the token of the gateways, one of the OpenID provider, or one from `kubectl create token NAME --audience=millrace`.',
  MILLRACE_CACHE_DIR:
    'Folder in which the local Kafka is installed. Default: `$XDG_CACHE_HOME/millrace`, else `~/.cache/millrace`.',
  JAVA_HOME: 'Java installation for the local Kafka. Default: the `java` on the PATH.',
  MILLRACE_DEBUG: '`1`: an error that ends a command is printed with its stack.',
} as const;

/** The environment of functions that run as processes. */
const functionHelp = {
  PORT: 'The port to listen on.',
  MILLRACE_TRIGGER: 'The trigger, as `namespace/name`.',
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
    'Gateway and scaler read their settings from the environment, once, when they start. An empty variable counts as absent. If ' +
      'settings are invalid, the process does not start, and reports all mistakes at once, as `MILLRACE_CONFIG_INVALID`. Durations are ISO ' +
      '8601 (`PT25S`), sizes are Kubernetes quantities (`32Mi`). Settings of a single trigger stand in its [manifest](trigger.md).',
    [
      `## Gateway\n\n${settings(gateway)}`,
      'The flags `--triggers`, `--kubernetes`, `--kubeconfig` and `--admin-port` of `millrace gateway` override `MILLRACE_TRIGGERS`, ' +
        '`MILLRACE_KUBERNETES`, `KUBECONFIG` and `MILLRACE_ADMIN_PORT`.',
      `## Scaler\n\n${settings(scalerSettings())}`,
      'The flags `--triggers`, `--grpc-port` and `--http-port` of `millrace scaler` override `MILLRACE_TRIGGERS`, `SCALER_GRPC_PORT` and ' +
        '`SCALER_HTTP_PORT`.',
      `In Kubernetes the scaler also runs the controller, which creates the resources for triggers and annotations. The chart sets all of its settings:\n\n${settings(controllerSettings())}`,
      'Of these, `millrace cleanup` reads `KUBECONFIG`, `WATCH_NAMESPACES`, `SCALER_SERVICE` and `POD_NAMESPACE`. Set them as for the scaler.',
      `## Commands for one machine\n\n${named(toolHelp)}`,
      `## Environment of a function\n\n\`millrace dev\` and the demo start functions with their own environment and these variables:\n\n${named(functionHelp)}`,
    ].join('\n\n'),
  );
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

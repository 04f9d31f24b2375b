// Every error that Millrace raises on purpose: one table of codes, one class. docs/reference/errors.md lists the table
// and a test compares the two.

/** Code → what the reader can do about it. The message says what happened and where; this says what to do. */
export const errorTable = {
  MILLRACE_CONFIG_INVALID:
    'Correct the named setting; `millrace help COMMAND` and docs/reference/configuration.md list them all.',
  MILLRACE_MANIFEST_INVALID:
    'Correct the manifest at the named path; `millrace validate FILE` shows every mistake at once.',
  MILLRACE_FIELD_NOT_BUILT:
    'Remove the field: this release does not carry it out, and ignoring it would be worse.',
  MILLRACE_TOPIC_MISSING: 'Create the topic; the trigger reads it by itself as soon as it exists.',
  MILLRACE_KAFKA_UNREACHABLE:
    'Check KAFKA_BROKERS and that the brokers run; a listener that closes connections may want TLS or SASL, or neither. The connection is tried again until it succeeds.',
  MILLRACE_KAFKA_FAILED:
    'See the cause; the client is rebuilt and the work goes on from the committed offsets.',
  MILLRACE_KAFKA_UNAUTHENTICATED:
    'Correct the credentials, or the listener: see `tls` and `authentication` of the KafkaCluster, or the file that KAFKA_CONFIG names. It is tried again by itself.',
  MILLRACE_KAFKA_FORBIDDEN:
    'Grant the named right to the user in Kafka; docs/guides/kafka-security.md lists the ACLs that a trigger needs.',
  MILLRACE_CREDENTIALS_UNUSABLE:
    'Correct the named Secret or file: it must be there, be readable, and hold what the message says. It is looked at again by itself.',
  MILLRACE_KAFKA_STALLED:
    'Nothing, if it passes: the client is rebuilt by itself. Where it lasts, see the log of the brokers that lead the named partitions.',
  MILLRACE_BACKLOG_UNKNOWN:
    'Unknown backlog is an error to KEDA, never zero: see the cause, and the fallback of the ScaledObject.',
  MILLRACE_TRIGGER_UNKNOWN:
    'Name a trigger that the scaler knows, in the metadata `trigger` of the ScaledObject.',
  MILLRACE_SCALER_METADATA_INVALID:
    'Correct the metadata of the trigger in the ScaledObject; docs/guides/keda.md lists the names and what each must be.',
  MILLRACE_SCALER_FULL:
    'Run another installation of the scaler for some of the ScaledObjects, or make Triggers of them: only groups without a trigger are limited in number.',
  MILLRACE_SKIP_ELSEWHERE:
    'Ask the gateway that has the partition: name them all by --gateway or MILLRACE_GATEWAY_URLS.',
  MILLRACE_SKIP_REFUSED:
    'See the message; `/v1/triggers/NAMESPACE/NAME/blocked` of the gateway lists what blocks.',
  MILLRACE_ADMIN_FORBIDDEN:
    'Let who administers the namespace grant the named right; docs/guides/access.md says which there are, and who has them.',
  MILLRACE_ADMIN_UNAUTHENTICATED:
    'Show a bearer token: `kubectl create token NAME --audience=millrace`, one of the OpenID provider that the installation names, or MILLRACE_ADMIN_TOKEN. Without any of these set up, ask from where it runs.',
  MILLRACE_ADMIN_THROTTLED: 'Ask more slowly: 1,200 requests a minute from one address.',
  MILLRACE_ACCESS_UNKNOWN:
    'Try again; where it lasts, check the way to the API server, or to the OpenID provider, and the rights of the ServiceAccount there.',
  MILLRACE_REQUEST_INVALID: 'Correct the request as the message says.',
  MILLRACE_GATEWAY_UNREACHABLE:
    'Name the admin address of the gateway by --gateway or MILLRACE_GATEWAY_URLS, such as http://127.0.0.1:9464.',
  MILLRACE_KUBERNETES_UNREACHABLE:
    'Check the address of the API server and the way to it; it is tried again by itself, and records go on meanwhile.',
  MILLRACE_KUBERNETES_FORBIDDEN:
    'Grant the named right to the service account; the chart does, for the namespaces in `watchNamespaces`.',
  MILLRACE_KUBERNETES_CONFLICT:
    'Nothing, if it passes: the resource was changed by another at the same time, and is read again.',
  MILLRACE_KUBERNETES_MISSING:
    'Install what defines the kind where the message names one (`helm upgrade` brings the CRDs); a resource that was just deleted needs nothing.',
  MILLRACE_KUBERNETES_INVALID: 'Correct the field that the API server names.',
  MILLRACE_KUBERNETES_FAILED: 'See the message of the API server, and its log.',
  MILLRACE_ADDRESS_REFUSED:
    'Let `function.uri`, the brokers of the KafkaCluster, or the `tokenEndpoint` be at hosts whose addresses are all open to tenants (docs/guides/kubernetes.md lists the others). The name is looked up again by itself.',
  MILLRACE_FUNCTION_TLS_FAILED:
    'Correct `function.tls` of the trigger, or the certificate of the function, as the message says. It is tried again by itself, and records are held meanwhile.',
  MILLRACE_TOOL_MISSING: 'Install the named tool with the command that the message gives.',
  MILLRACE_LOCAL_KAFKA_FAILED:
    'Read the last lines of the broker that the message shows; a busy port and a foreign folder are the usual causes.',
  MILLRACE_DEMO_FAILED:
    'See the message; with --keep what the demo has made stays, for kubectl to describe. The next run removes it.',
  MILLRACE_PROCESS_FAILED:
    'Run the dev-command by hand in the folder of its manifest: it must start and listen on PORT.',
} as const;

export type ErrorCode = keyof typeof errorTable;

/** An error with a stable `code`; `remedy` is what to do, `cause` what lay beneath. */
export class MillraceError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MillraceError';
    this.code = code;
  }

  get remedy(): string {
    return errorTable[this.code];
  }
}

/** The message of whatever was thrown, with the messages of its causes. Of several errors that have no message, the first. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.message === '' && error.errors.length > 0)
    return describeError(error.errors[0]);
  const text = error.message === '' ? error.name : error.message;
  return error.cause === undefined ? text : `${text}: ${describeError(error.cause)}`;
}

/** The fields by which a log line shows an error that was caught. */
export function errorFields(error: unknown): { error: string; code?: ErrorCode; remedy?: string } {
  const text = describeError(error);
  return error instanceof MillraceError
    ? { error: text, code: error.code, remedy: error.remedy }
    : { error: text };
}

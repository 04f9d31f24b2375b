// Every error that Millrace raises on purpose: one table of codes, one class. docs/reference/errors.md is made from the table, and a
// test compares the two.

/** Code → remedy. The message of an error says what happened and where; the remedy says what to do. */
export const errorTable = {
  MILLRACE_CONFIG_INVALID:
    'Correct the named setting. `millrace help COMMAND` and docs/reference/configuration.md list all settings.',
  MILLRACE_MANIFEST_INVALID:
    'Correct the manifest at the named path. `millrace validate FILE` shows every mistake at once.',
  MILLRACE_FIELD_NOT_BUILT:
    'Remove the field. This release does not implement it, and does not ignore it silently.',
  MILLRACE_TOPIC_MISSING:
    'Create the topic: with `millrace create-topics TOPIC`, with `kafka-topics.sh --create`, or as a KafkaTopic where Strimzi runs Kafka. A trigger reads it as soon as it exists, without a restart.',
  MILLRACE_KAFKA_UNREACHABLE:
    'Check KAFKA_BROKERS, and that the brokers run. If the listener closes connections, it may require TLS or SASL, or accept neither. Millrace retries until it is connected.',
  MILLRACE_KAFKA_FAILED:
    'Read the cause in the message. Millrace rebuilds its Kafka client and continues from the committed offsets.',
  MILLRACE_KAFKA_UNSUPPORTED:
    'Run brokers of Kafka 3.0 to 4.4, or another release of Millrace. If the message names a newer Kafka than yours, only what you have switched on needs it: `groupProtocol: consumer` needs Kafka 4.0.',
  MILLRACE_KAFKA_BATCH_UNREADABLE:
    'Read in the message what is wrong with the batch. If another replica of the partition has it whole, make that one the leader. Otherwise pass it with `millrace skip`: the records in it are lost. Millrace delivers what stands before it, and tries again by itself.',
  MILLRACE_KAFKA_UNAUTHENTICATED:
    'Correct the credentials, or name a listener that takes them: in `tls` and `authentication` of the KafkaCluster, or in the file that KAFKA_CONFIG names. Millrace retries by itself.',
  MILLRACE_KAFKA_FORBIDDEN:
    'Grant the named right to the Kafka user. docs/guides/kafka-security.md lists the ACLs that a trigger needs.',
  MILLRACE_KAFKA_GROUP_REFUSED:
    'Do what the message says: it names the consumer group, and what Kafka does not accept. Millrace tries again by itself.',
  MILLRACE_CREDENTIALS_UNUSABLE:
    'Correct the named Secret or file: it must exist, be readable, and hold what the message says. Millrace reads it again by itself.',
  MILLRACE_BACKLOG_UNKNOWN:
    'Remove the cause that the message names. Until then KEDA gets an error, never a backlog of zero, and the `fallback` of the ScaledObject decides on the replicas.',
  MILLRACE_TRIGGER_UNKNOWN:
    'In the metadata `trigger` of the ScaledObject, write the name of a trigger that the scaler serves.',
  MILLRACE_SCALER_METADATA_INVALID:
    'Correct the metadata of the trigger in the ScaledObject. docs/guides/keda.md lists the names and their values.',
  MILLRACE_SCALER_FULL:
    'Create Triggers for some of these ScaledObjects, or run a second installation of the scaler for them. Only consumer groups without a Trigger are limited in number.',
  MILLRACE_SKIP_ELSEWHERE:
    'Send the request to the gateway that has the partition: list all gateways in --gateway or MILLRACE_GATEWAY_URLS. `millrace triggers` shows what they serve.',
  MILLRACE_SKIP_REFUSED:
    'Read in the message why. `millrace blocked TRIGGER` lists the records that block their lanes.',
  MILLRACE_ADMIN_FORBIDDEN:
    'Ask an administrator of the namespace for the named right. docs/guides/access.md lists the rights, and who has them.',
  MILLRACE_ADMIN_UNAUTHENTICATED:
    'Send a bearer token: from `kubectl create token NAME --audience=millrace`, from the OpenID provider of the installation, or MILLRACE_ADMIN_TOKEN. If none of these is set up, send the request from the machine or pod of the process.',
  MILLRACE_ADMIN_THROTTLED: 'Send fewer requests: at most 1,200 a minute are allowed from one address.',
  MILLRACE_ACCESS_UNKNOWN:
    'Try again. If it lasts, check the connection to the API server or the OpenID provider, and the rights of Millrace’s ServiceAccount.',
  MILLRACE_REQUEST_INVALID: 'Correct the request: the message says what is wrong with it.',
  MILLRACE_GATEWAY_UNREACHABLE:
    'Check that the gateway runs, and write its admin address in --gateway or MILLRACE_GATEWAY_URLS, such as http://127.0.0.1:9464.',
  MILLRACE_KUBERNETES_UNREACHABLE:
    'Check the address of the API server, and the connection to it. Millrace retries by itself, and delivers records meanwhile.',
  MILLRACE_KUBERNETES_FORBIDDEN:
    'Grant the named right to the ServiceAccount. The chart grants it for the namespaces in `watchNamespaces`.',
  MILLRACE_KUBERNETES_CONFLICT:
    'Do nothing if it passes: somebody else changed the resource at the same time, and Millrace reads it again.',
  MILLRACE_KUBERNETES_MISSING:
    'If the message names a kind, install its CRD (`helm upgrade` installs those of Millrace). If the resource was just deleted, do nothing.',
  MILLRACE_KUBERNETES_INVALID: 'Correct the field that the API server names.',
  MILLRACE_KUBERNETES_FAILED: 'Read the answer of the API server in the message, and its log.',
  MILLRACE_ADDRESS_REFUSED:
    'In `function.uri`, the brokers of the KafkaCluster or `tokenEndpoint`, write a host of which every address is allowed to tenants (docs/guides/kubernetes.md lists the addresses that are not). Millrace resolves the name again by itself.',
  MILLRACE_FUNCTION_TLS_FAILED:
    'Correct `function.tls` of the trigger, or the certificate of the function, as the message says. Millrace retries by itself, and holds the records meanwhile.',
  MILLRACE_TRIGGER_FAULTED:
    'Report the stack trace in the log of the gateway: the fault is one of Millrace, or of its memory or disk. The trigger starts again by itself, from its committed offsets.',
  MILLRACE_TOOL_MISSING: 'Install the named tool with the command that the message gives.',
  MILLRACE_LOCAL_KAFKA_FAILED:
    'Read the last lines of the broker’s log in the message. The usual causes are a port that is in use, and a folder that another process or user has.',
  MILLRACE_DEMO_FAILED:
    'Read the message. To inspect what the demo created with kubectl, run it with --keep; the next run removes it.',
  MILLRACE_PROCESS_FAILED:
    'Run the dev-command by hand, in the folder of its manifest: it must start, and listen on the port in PORT.',
} as const;

export type ErrorCode = keyof typeof errorTable;

/** An error with a stable `code`. `remedy` says what to do; `cause` is the error that led to it, if any. */
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

/** The message of a thrown value, with the messages of its causes. An AggregateError without a message counts as its first error. */
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

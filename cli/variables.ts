// The environment variables of commands, besides the settings of gateway and scaler, and of the functions that commands start. The help
// of each command and docs/reference/configuration.md are made of these tables.

export interface CommandVariable {
  readonly help: string;
  /** The commands that read it. */
  readonly commands: readonly string[] | 'all';
}

const withKafka = ['dev', 'create-topics', 'send'] as const;
const withGateways = ['triggers', 'blocked', 'skip'] as const;
const withLocalKafka = ['kafka', 'dev', 'demo', 'bench'] as const;

export const commandVariables: Readonly<Record<string, CommandVariable>> = {
  KAFKA_BROKERS: {
    help: 'Brokers, `host:port`, separated by commas. Without it, `dev` starts a Kafka of its own; the others refuse to run.',
    commands: withKafka,
  },
  KAFKA_CONFIG: {
    help: 'A file with properties of a Kafka client, for TLS and SASL.',
    commands: withKafka,
  },
  KUBECONFIG: {
    help: 'Kubeconfig files, as in a PATH, for `demo --kubernetes`. When empty: the service account of the pod, else `~/.kube/config`.',
    commands: ['demo'],
  },
  MILLRACE_GATEWAY_URLS: {
    help: 'Admin addresses of all gateways, separated by commas. Default: `http://127.0.0.1:9464`.',
    commands: withGateways,
  },
  MILLRACE_GATEWAY_CA: {
    help: 'PEM file of the authorities by which gateways and scalers with https are trusted. Default: those that Node.js knows.',
    commands: withGateways,
  },
  MILLRACE_SCALER_URLS: {
    help: 'Addresses of scalers, separated by commas, which are asked for the backlog. Without it, no backlog is shown.',
    commands: ['triggers'],
  },
  MILLRACE_ADMIN_TOKEN: {
    help: 'Bearer token to send: that of the gateways, one of the OpenID provider, or one from `kubectl create token NAME --audience=millrace`.',
    commands: withGateways,
  },
  MILLRACE_CACHE_DIR: {
    help: 'Folder in which the local Kafka is installed. Default: `$XDG_CACHE_HOME/millrace`, else `~/.cache/millrace`.',
    commands: withLocalKafka,
  },
  JAVA_HOME: {
    help: 'Java installation for the local Kafka. Default: the `java` on the PATH.',
    commands: withLocalKafka,
  },
  LOG_LEVEL: {
    help: 'trace, debug, info, warn, error or silent: which messages of gateway and scaler are shown. Default: `warn`.',
    commands: ['dev', 'demo'],
  },
  MILLRACE_DEBUG: { help: '`1`: an error that ends a command is printed with its stack.', commands: 'all' },
};

/** Variable → what it is, of those that `command` reads. */
export function variablesOf(command: string): Record<string, string> {
  const read = Object.entries(commandVariables).filter(
    ([, { commands }]) => commands === 'all' || commands.includes(command),
  );
  return Object.fromEntries(read.map(([name, { help }]) => [name, help]));
}

/** The environment of functions that run as processes. */
export const functionVariables = {
  PORT: 'The port to listen on.',
  MILLRACE_TRIGGER: 'The trigger, as `namespace/name`.',
  MILLRACE_REPLICA: 'The number of the replica, from 0.',
} as const;

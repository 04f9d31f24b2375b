// The environment variables of the commands that run on one machine, and of the functions that they start. docs/reference/configuration.md
// is made of these tables.

/** The settings of the commands for one machine. */
export const commandVariables = {
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
export const functionVariables = {
  PORT: 'The port to listen on.',
  MILLRACE_TRIGGER: 'The trigger, as `namespace/name`.',
  MILLRACE_REPLICA: 'The number of the replica, from 0.',
} as const;

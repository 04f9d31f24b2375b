// The environment variables of the commands that run on one machine, and of the functions that they start. docs/reference/configuration.md
// is made of these tables.

/** Read by the commands for one machine. */
export const commandVariables = {
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
export const functionVariables = {
  PORT: 'Where to listen.',
  MILLRACE_TRIGGER: 'The trigger, `namespace/name`.',
  MILLRACE_REPLICA: 'The number of the replica, from 0.',
} as const;

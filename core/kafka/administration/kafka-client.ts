// kafkajs, for what its public interface does well: administration and `send` at the command line. Its connections are opened, and logged in,
// as our own are.
import { Kafka, logLevel, type LogEntry, type Mechanism } from 'kafkajs';
import { registerCodecs } from './codecs.ts';
import { hostAndPort } from '../connection/broker-address.ts';
import {
  connectTimeoutMs,
  type ClientLog,
  type ConnectionSettings,
} from '../connection/connection-settings.ts';
import { createSocketFactory } from './kafkajs-sockets.ts';
import type { Sasl } from '../connection/security/sasl.ts';

/**
 * A Kafka client. All that it says itself goes to `log` as `debug`: what matters of it reaches our log through the
 * component that the client works for, once and with a remedy.
 */
export function createKafka(settings: ConnectionSettings, log?: ClientLog): Kafka {
  const { clientId, security, guard } = settings;
  const { brokers, hosts } = namedBrokers(settings.brokers);
  registerCodecs();
  return new Kafka({
    clientId,
    brokers,
    socketFactory: createSocketFactory({ credentials: security?.credentials, guard, hosts }),
    ...(security?.sasl === undefined ? {} : { sasl: mechanismOf(security.sasl) }),
    // For TCP and TLS, and for the first answer after them: a broker that has much to do takes seconds.
    connectionTimeout: connectTimeoutMs,
    requestTimeout: 30_000,
    // Less than what is left of any token that is shown (credentials/oauth-tokens.ts): a session that ends as soon as it begins would begin for ever.
    reauthenticationThreshold: 2_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: log === undefined ? logLevel.NOTHING : logLevel.WARN,
    logCreator: () => (entry: LogEntry) => {
      const { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = entry.log;
      log?.('debug', message, { namespace: entry.namespace, ...fields });
    },
  });
}

/** kafkajs cannot read an address in brackets: it gets a name in its place, for which the sockets know the host. */
function namedBrokers(given: readonly string[]): { brokers: string[]; hosts: ReadonlyMap<string, string> } {
  const hosts = new Map<string, string>();
  const brokers = given.map((broker, index) => {
    if (!broker.startsWith('[')) return broker;
    const { host, port } = hostAndPort(broker);
    const name = `broker-${index}.ipv6.invalid`;
    hosts.set(name, host);
    return `${name}:${port}`;
  });
  return { brokers, hosts };
}

function mechanismOf(sasl: Sasl): Mechanism {
  return {
    mechanism: sasl.mechanism,
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: () =>
        sasl.authenticate(async (message) => {
          const answer = await saslAuthenticate({ request: messageOf(message), response });
          return answer ?? Buffer.alloc(0);
        }),
    }),
  };
}

/** As kafkajs has it for all mechanisms: the length before the bytes. */
function messageOf(message: Buffer): { encode: () => Buffer } {
  const length = Buffer.alloc(4);
  length.writeInt32BE(message.length);
  return { encode: () => Buffer.concat([length, message]) };
}

const response = {
  decode: (bytes: Buffer) => bytes.subarray(4),
  parse: (message: Buffer) => message,
};

// The requests by which a client says who it is (KIP-43, KIP-152, KIP-368).
import { WireWriter } from '../../protocol/wire.ts';
import type { KafkaRequest } from '../../protocol/wire-requests.ts';

/** SaslHandshake v1, which has no flexible version. The answer is an error code; which mechanisms there are does not help. */
export function saslHandshakeRequest(mechanism: string): KafkaRequest<number> {
  return {
    apiKey: 17,
    apiVersion: 1,
    apiName: `SASL ${mechanism}`,
    encode() {
      const name = Buffer.from(mechanism, 'utf8');
      const length = Buffer.alloc(2);
      length.writeInt16BE(name.length);
      return Buffer.concat([length, name]);
    },
    decode: (reader) => reader.int16(),
  };
}

export interface SaslAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly message: Buffer;
  /** In ms; 0: for as long as the connection lasts. */
  readonly sessionLifetimeMs: number;
}

/** SaslAuthenticate v2: one message of the mechanism. */
export function saslAuthenticateRequest(mechanism: string, message: Buffer): KafkaRequest<SaslAnswer> {
  return {
    apiKey: 36,
    apiVersion: 2,
    apiName: `SASL ${mechanism}`,
    encode: () =>
      Buffer.concat([
        new WireWriter()
          .tags()
          .varint(message.length + 1)
          .bytes(),
        message,
        Buffer.of(0),
      ]),
    decode(reader) {
      reader.tags();
      return {
        errorCode: reader.int16(),
        errorMessage: reader.string(),
        message: Buffer.from(reader.bytes()),
        sessionLifetimeMs: Number(reader.int64()),
      };
    },
  };
}

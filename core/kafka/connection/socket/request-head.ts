// What stands before the body of a request: its size, and header v1. What header v2 has besides, tagged fields, is written with the body.
import type { KafkaRequest } from '../../protocol/wire-requests.ts';

export function requestHead(
  { apiKey, apiVersion }: Pick<KafkaRequest<unknown>, 'apiKey' | 'apiVersion'>,
  correlationId: number,
  clientId: string,
  bodyBytes: number,
): Buffer {
  const name = Buffer.from(clientId, 'utf8');
  const head = Buffer.allocUnsafe(14 + name.length);
  head.writeInt32BE(head.length - 4 + bodyBytes, 0);
  head.writeInt16BE(apiKey, 4);
  head.writeInt16BE(apiVersion, 6);
  head.writeInt32BE(correlationId, 8);
  head.writeInt16BE(name.length, 12);
  name.copy(head, 14);
  return head;
}

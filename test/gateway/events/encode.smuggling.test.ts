import { createServer, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { startAttempt, type AttemptResult } from '../../../gateway/delivery/attempt.ts';
import { Connections } from '../../../gateway/http/connections.ts';
import { createDecode } from '../../../gateway/events/decode.ts';
import { createEncode, type RequestParts } from '../../../gateway/events/encode.ts';
import { anyRecord, owner, settings } from './build.ts';

interface Arrived {
  readonly requestLine: string;
  /** Lower-case names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

interface Sink {
  readonly connections: Connections;
  /** What `host` has to be. */
  readonly host: string;
  readonly arrived: readonly Arrived[];
  /** How many bytes belong to no request. */
  readonly excess: () => number;
}

const endOfHead = Buffer.from('\r\n\r\n');

/** A lenient HTTP parser: lines with any line ending, an empty line, then as many bytes as the headers announce. */
async function useSink(t: Test): Promise<Sink> {
  const arrived: Arrived[] = [];
  const rest = new Map<Socket, Buffer>();
  const server = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        let bytes: Buffer = Buffer.concat([rest.get(socket) ?? Buffer.alloc(0), chunk]);
        for (let request = readRequest(bytes); request !== undefined; request = readRequest(bytes)) {
          arrived.push(request.arrived);
          bytes = request.rest;
          socket.write('HTTP/1.1 204 No Content\r\n\r\n');
        }
        rest.set(socket, bytes);
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connections = new Connections(`http://${host}`, {});
  t.teardown(() => {
    connections.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const excess = (): number => [...rest.values()].reduce((sum, { length }) => sum + length, 0);
  return { connections, host, arrived, excess };
}

function readRequest(bytes: Buffer): { arrived: Arrived; rest: Buffer } | undefined {
  const end = bytes.indexOf(endOfHead);
  if (end === -1) return undefined;
  const [requestLine = '', ...lines] = bytes.toString('latin1', 0, end).split(/\r\n|\r|\n/);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const length = Number(headers.find(([name]) => name === 'content-length')?.[1] ?? 0);
  const start = end + endOfHead.length;
  if (bytes.length < start + length) return undefined;
  const body = Buffer.from(bytes.subarray(start, start + length));
  return { arrived: { requestLine, headers, body }, rest: Buffer.from(bytes.subarray(start + length)) };
}

function post(connections: Connections, { headers, body }: RequestParts): Promise<AttemptResult> {
  const request = { path: '/', headers: [...headers], body, timeoutMs: 20_000, maxAnswerBytes: 0 };
  return new Promise((resolve) => startAttempt(connections, request, resolve));
}

t.test('on the wire, a record is one request with the headers that were meant, and no other', async (t) => {
  const { connections, host, arrived, excess } = await useSink(t);
  const decode = createDecode(settings, 'main', owner);
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(
      anyRecord,
      fc.constantFrom('binary', 'structured', 'batched'),
      async (record, contentMode) => {
        const decoded = decode(record);
        if (decoded.kind === 'undecodable') return;
        const parts = createEncode({ contentMode })(decoded.event);
        t.equal((await post(connections, parts)).kind, 'answered');
        sent += 1;
        t.equal(arrived.length, sent, 'one request for one record');
        t.equal(excess(), 0, 'and nothing behind it');
        const { requestLine, headers, body } = arrived.at(-1)!;
        t.equal(requestLine, 'POST / HTTP/1.1');
        const own = Array.from({ length: parts.headers.length / 2 }, (_, at) => [
          parts.headers[2 * at]!,
          parts.headers[2 * at + 1]!.trim(),
        ]);
        const expected = [
          ['host', host],
          ['accept-encoding', 'identity'],
          ['content-length', String(parts.body?.length ?? 0)],
          ...own,
        ];
        t.strictSame(headers.toSorted(), expected.toSorted());
        t.ok(body.equals(parts.body ?? Buffer.alloc(0)));
      },
    ),
    { numRuns: 500 },
  );
  t.ok(sent > 100, 'most are events');
});

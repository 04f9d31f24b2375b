import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import t from 'tap';
import { encodeRequest, requestPrefix } from '../../../gateway/http/request-bytes.ts';

const encode = (...request: Parameters<typeof encodeRequest>): Buffer[] => [...encodeRequest(...request)];

const prefix = requestPrefix('function:8080', '/a?b=c');
const start = 'POST /a?b=c HTTP/1.1\r\nhost: function:8080\r\naccept-encoding: identity\r\n';

t.test('one buffer with head and body', async (t) => {
  const request = encode(prefix, ['ce-id', '1', 'X', ''], Buffer.from('{}'));
  t.strictSame(request.map(String), [`${start}ce-id: 1\r\nX: \r\ncontent-length: 2\r\n\r\n{}`]);
});

t.test('no body is a body of no bytes', async (t) => {
  for (const body of [null, Buffer.alloc(0)])
    t.strictSame(encode(prefix, [], body).map(String), [`${start}content-length: 0\r\n\r\n`]);
});

t.test('a large body is not copied', async (t) => {
  for (const [size, buffers] of [
    [32_768, 1],
    [32_769, 2],
  ] as const) {
    const body = Buffer.alloc(size, 'x');
    const request = encode(prefix, ['a', 'b'], body);
    t.equal(request.length, buffers);
    t.equal(request.at(-1) === body, buffers === 2);
    t.equal(
      Buffer.concat(request).toString(),
      `${start}a: b\r\ncontent-length: ${size}\r\n\r\n${body.toString()}`,
    );
  }
});

t.test('a character of a value is a byte', async (t) => {
  const value = 'caf\xe9 \x80\xff\t~';
  const [bytes] = encodeRequest(prefix, ['a', value], Buffer.from('é'));
  t.equal(bytes.toString('latin1'), `${start}a: ${value}\r\ncontent-length: 2\r\n\r\n\xc3\xa9`);
});

t.test('what could be another line is refused', async (t) => {
  for (const name of ['', 'a b', 'a:', 'a\r\nb', 'a\n', 'a\0', '\xe9', 'ａ'])
    t.throws(() => encodeRequest(prefix, ['ok', 'ok', name, 'v'], null), {
      name: 'TypeError',
      message: `a request cannot carry the header ${JSON.stringify(name)}: "v"`,
    });
  for (const value of ['a\r\nb: c', 'a\n', '\r', '\0', '\x7f', '\x1b', '€', '\u010a', '\u{1f4a9}'])
    t.throws(() => encodeRequest(prefix, ['n', value], null), {
      name: 'TypeError',
      message: `a request cannot carry the header "n": ${JSON.stringify(value)}`,
    });
  for (const path of [
    '',
    'a',
    ' /',
    '/ ',
    '/a b',
    '/a\r\nb',
    '/\n',
    '/\0',
    '/\x7f',
    '/é',
    '/\t',
    '*',
    'http://other/',
  ])
    t.throws(() => requestPrefix('function', path), {
      name: 'TypeError',
      message: `a request cannot name the path ${JSON.stringify(path)}`,
    });
});

t.test('an HTTP server reads what was meant', async (t) => {
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      arrived.push([request, body]);
      response.end();
    });
  });
  const arrived: [request: IncomingMessage, body: Buffer][] = [];
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  const authority = `127.0.0.1:${port}`;
  const large = Buffer.alloc(100_000, 'POST / HTTP/1.1\r\n\r\n');
  const small = Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const requests = [small, null, large, small].flatMap((body, index) =>
    encode(requestPrefix(authority, `/${index}?q=%20`), ['ce-id', String(index), 'x', ' caf\xe9 '], body),
  );
  const socket = connect(port, '127.0.0.1');
  for (const bytes of requests) socket.write(bytes);
  socket.end();
  await buffer(socket);
  t.strictSame(
    arrived
      .toSorted(([a], [b]) => a.url!.localeCompare(b.url!))
      .map(([{ method, url, headers }, body]) => [method, url, { ...headers }, body]),
    [small, Buffer.alloc(0), large, small].map((body, index) => [
      'POST',
      `/${index}?q=%20`,
      {
        host: authority,
        'accept-encoding': 'identity',
        'ce-id': String(index),
        x: 'caf\xe9',
        'content-length': String(body.length),
      },
      body,
    ]),
  );
});

// The function of the benchmarks: the smallest possible HTTP server, so that the client is what is measured. Runs in its own
// process. Arguments: how long a request takes, in ms; `echo`, to answer with an event that has the request's data. Reports its
// port and its counts over IPC.
import { createServer, type Socket } from 'node:net';

const answer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
const headEnd = Buffer.from('\r\n\r\n');
const specVersion = Buffer.from('{"specversion"');
const workMs = Number(process.argv[2] ?? 0);
const isEcho = process.argv[3] === 'echo';
const echoHead =
  'HTTP/1.1 200 OK\r\nce-specversion: 1.0\r\nce-id: reply\r\nce-source: /bench\r\nce-type: reply\r\ncontent-type: application/json\r\n';

/** Ages of the events at their arrival, in ms. */
export interface Ages {
  /** Since just before the producer's send: the number after `{"at":` in the data. */
  readonly sinceSend: number[];
  /** Since the append by the broker's clock, which has whole ms: the event's time. */
  readonly sinceAppend: number[];
}

let requests = 0;
let events = 0;
let ages: Ages = { sinceSend: [], sinceAppend: [] };

/** Calls `onRequest` for each complete request in `bytes`, and returns the rest. */
function takeRequests(bytes: Buffer, onRequest: (head: string, body: Buffer) => void): Buffer {
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf(headEnd);
    if (end === -1) return rest;
    const head = rest.toString('latin1', 0, end);
    const at = head.toLowerCase().indexOf('content-length: ');
    const length = at === -1 ? 0 : Number.parseInt(head.slice(at + 16), 10);
    if (rest.length < end + 4 + length) return rest;
    onRequest(head, rest.subarray(end + 4, end + 4 + length));
    rest = rest.subarray(end + 4 + length);
  }
}

/** One, or as many as a batch has. */
function eventsIn(head: string, body: Buffer): number {
  if (!head.includes('cloudevents-batch')) return 1;
  let count = 0;
  for (let at = body.indexOf(specVersion); at !== -1; at = body.indexOf(specVersion, at + 1)) count += 1;
  return count;
}

function noteAges(head: string, body: Buffer): void {
  if (body.toString('latin1', 0, 6) !== '{"at":') return;
  const nowMs = performance.timeOrigin + performance.now();
  ages.sinceSend.push(nowMs - Number.parseFloat(body.toString('latin1', 6, 22)));
  ages.sinceAppend.push(nowMs - Date.parse(/ce-time: (\S+)/.exec(head)?.[1] ?? ''));
}

function serve(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0);
  const respond = (body: Buffer): void => {
    if (!socket.writable) return;
    if (!isEcho) socket.write(answer);
    else
      socket.write(`${echoHead}content-length: ${body.length}\r\n\r\n${body.toString('latin1')}`, 'latin1');
  };
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    rest = takeRequests(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]), (head, body) => {
      requests += 1;
      events += eventsIn(head, body);
      noteAges(head, body);
      if (workMs === 0) respond(body);
      else setTimeout(respond, workMs, body);
    });
  });
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.on('message', (message) => {
  if (message === 'report') process.send?.({ requests, events, ages });
  if (message === 'reset') {
    requests = 0;
    events = 0;
    ages = { sinceSend: [], sinceAppend: [] };
  }
});
process.on('disconnect', () => process.exit(0));

// The function of the end-to-end tests: forwards each request to the test (COLLECTOR), which checks it, and returns the answer of the test. Ends
// after SIGTERM, when every request in flight is answered.
import { createServer, request } from 'node:http';
import { hostname } from 'node:os';

const collector = new URL(process.env.COLLECTOR ?? 'http://127.0.0.1:9000/');
/** Senders learn of the shutdown with a delay, and may still send until then. */
const lingerMs = Number(process.env.LINGER_MS ?? 3000);

const server = createServer((incoming, answer) => {
  if (incoming.url === '/ready') return void answer.writeHead(204).end();
  const headers = { ...incoming.headers, 'x-pod': hostname() };
  const outgoing = request(collector, { method: incoming.method, headers }, (answered) => {
    answer.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(answer);
  });
  outgoing.once('error', (error) => {
    console.error(`no answer from the test: ${error.message}`);
    answer.headersSent ? answer.destroy() : answer.writeHead(502).end();
  });
  incoming.pipe(outgoing);
});

server.listen(Number(process.env.PORT ?? 8080), '0.0.0.0', () => console.log('listening'));

process.once('SIGTERM', () => {
  setTimeout(() => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  }, lingerMs);
});

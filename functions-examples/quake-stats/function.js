// Counts earthquakes by the class of their magnitude. No dependency: an event in binary mode is a POST with ce- headers.
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What writing to a database would take. */
const workMs = Number(process.env.WORK_MS ?? 20);
const counts = new Map();

const server = createServer(async (request, response) => {
  const id = request.headers['ce-id'];
  const type = request.headers['ce-type'];
  if (request.method === 'GET') {
    response
      .setHeader('content-type', 'application/json')
      .end(`${JSON.stringify(Object.fromEntries(counts))}\n`);
    return;
  }
  if (id === undefined || type === undefined) {
    response.writeHead(400).end('not a CloudEvent in binary mode\n');
    return;
  }
  console.log(`received ${decodeURIComponent(id)} at ${new Date().toISOString()}`);
  request.resume(); // the headers say it all
  await sleep(workMs);
  const magnitudeClass = type.split('.').at(-1);
  counts.set(magnitudeClass, (counts.get(magnitudeClass) ?? 0) + 1);
  response.writeHead(204).end();
});

server.listen(Number(process.env.PORT ?? 8080));
process.on('SIGTERM', () => {
  console.log(
    `counted ${[...counts].map(([magnitudeClass, count]) => `${count} ${magnitudeClass}`).join(', ')}`,
  );
  server.close();
});

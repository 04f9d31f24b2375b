// Warns of strong earthquakes: prints each one and answers with a notice, which Millrace stores in the reply topic.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudEvent, HTTP } from 'cloudevents';

/** What looking up whom to warn would take. */
const workMs = Number(process.env.WORK_MS ?? 40);

const server = createServer((request, response) => {
  const receivedAt = new Date().toISOString();
  answer(request, receivedAt).then(
    (reply) => response.writeHead(200, reply.headers).end(reply.body),
    (error) => response.writeHead(400).end(error.message),
  );
});

async function answer(request, receivedAt) {
  const event = HTTP.toEvent({ headers: request.headers, body: await text(request) });
  console.log(`received ${event.id} at ${receivedAt}`);
  await sleep(workMs);

  const { mag, place } = event.data.properties;
  const warning = `magnitude ${mag.toFixed(1)}, ${place}`;
  console.log(`! ${warning}`);
  // The id is derived from that of the event, so that readers of the notices recognize an event that was delivered twice.
  const notice = {
    id: `${event.id}-notice`,
    source: '/quake-alerts',
    type: 'gov.usgs.notice',
    subject: event.subject,
  };
  return HTTP.binary(new CloudEvent({ ...notice, data: { warning, occurredAt: event.time } }));
}

server.listen(Number(process.env.PORT ?? 8080));
process.on('SIGTERM', () => server.close());

// The baseline of the benchmarks: sends the same requests in a bare loop over undici's `Pool.request`, without Kafka, events,
// order or settlement. Runs in its own process. Arguments: origin, requests, in flight. Reports seconds and CPU over IPC.
import { Pool } from 'undici';
import { sampleHeaders, sampleValue } from './sample.ts';

const [origin = '', count = '0', inFlight = '1'] = process.argv.slice(2);

async function run(pool: Pool, total: number): Promise<void> {
  const headers = sampleHeaders('orders', 3);
  const body = sampleValue(0);
  let sent = 0;
  const loop = async (): Promise<void> => {
    while (sent < total) {
      sent += 1;
      const { body: answer } = await pool.request({ path: '/', method: 'POST', headers, body });
      await answer.dump();
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, loop));
}

const pool = new Pool(origin, { connections: Number(inFlight), pipelining: 1 });
await run(pool, Math.min(20_000, Number(count)));
const before = process.cpuUsage();
const startedMs = performance.now();
await run(pool, Number(count));
const seconds = (performance.now() - startedMs) / 1000;
const { user, system } = process.cpuUsage(before);
process.send?.({ seconds, cpuSeconds: (user + system) / 1e6 });
await pool.close();
process.disconnect();

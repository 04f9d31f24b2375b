// The baseline of the benchmarks: sends the same requests in a bare loop over undici's `Pool.dispatch`, its leanest way, without Kafka, events,
// order, time-outs or settlement. Runs in its own process. Arguments: origin, requests, in flight. Reports seconds and CPU over IPC.
import { Pool, type Dispatcher } from 'undici';
import { sampleHeaders, sampleValue } from './sample.ts';

const [origin = '', count = '0', inFlight = '1'] = process.argv.slice(2);

class Handler implements Dispatcher.DispatchHandler {
  readonly #done: () => void;
  readonly #failed: (error: Error) => void;

  constructor(done: () => void, failed: (error: Error) => void) {
    this.#done = done;
    this.#failed = failed;
  }

  onRequestStart(): void {}
  onResponseStart(): void {}
  onResponseData(): void {}

  onResponseEnd(): void {
    this.#done();
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#failed(error);
  }
}

function run(pool: Pool, total: number): Promise<void> {
  const headers = sampleHeaders('orders', 3);
  const body = sampleValue(0);
  let [toSend, toEnd] = [total, total];
  return new Promise((resolve, reject) => {
    const send = (): void => {
      if (toSend === 0) return;
      toSend -= 1;
      pool.dispatch({ path: '/', method: 'POST', headers, body }, new Handler(ended, reject));
    };
    const ended = (): void => {
      toEnd -= 1;
      if (toEnd === 0) resolve();
      else send();
    };
    for (let started = 0; started < Number(inFlight); started += 1) send();
  });
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

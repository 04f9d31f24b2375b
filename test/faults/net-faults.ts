// The network on the way to Kafka, or to the function, of one gateway or of all.
import { setTimeout as delay } from 'node:timers/promises';
import type { TcpProxy } from '../fixtures/kafka/tcp-proxy.ts';
import type { NetFault } from './scenario.ts';
import { beginTrouble, type Stage } from './stage.ts';

/** Every chunk is that much later: far from the timeout of a request, and more than a network does. */
const delayMs = 250;
/** Connections made anew are cut again after this time. */
const cutEveryMs = 400;

export async function inflictOnNet(stage: Stage, fault: NetFault): Promise<void> {
  const seats = stage.seats.filter((_, index) => fault.gateway === 'all' || fault.gateway === index);
  const isKafka = fault.kind === 'kafka-net';
  const proxies = seats.flatMap(({ route, functionProxy }) => (isKafka ? route.proxies : [functionProxy]));
  const ends = isKafka
    ? seats.map(({ name }) =>
        beginTrouble(stage, { what: `${fault.trouble} on the way to Kafka`, gateway: name, cutsOff: true }),
      )
    : [];
  await breakNet(proxies, fault);
  for (const proxy of proxies) {
    proxy.pass();
    await proxy.accept();
  }
  for (const end of ends) end();
}

async function breakNet(
  proxies: readonly TcpProxy[],
  { trouble, direction, forMs }: NetFault,
): Promise<void> {
  switch (trouble) {
    case 'delay':
      for (const proxy of proxies) proxy.delay(delayMs, direction);
      return delay(forMs);
    case 'stall':
      for (const proxy of proxies) proxy.stall(direction);
      return delay(forMs);
    case 'refuse':
      for (const proxy of proxies) {
        proxy.refuse();
        proxy.cut();
      }
      return delay(forMs);
    case 'cut':
      return again(forMs, () => proxies.forEach((proxy) => proxy.cut()));
    case 'half-close':
      return again(forMs, () =>
        proxies.forEach((proxy) => {
          if (direction !== 'down') proxy.halfClose('up');
          if (direction !== 'up') proxy.halfClose('down');
        }),
      );
  }
}

async function again(forMs: number, act: () => void): Promise<void> {
  const endMs = Date.now() + forMs;
  do {
    act();
    await delay(cutEveryMs);
  } while (Date.now() < endMs);
}

// Faults of the network between gateways and Kafka, or between gateways and the function. They hit one gateway or all of them.
import { setTimeout as delay } from 'node:timers/promises';
import type { TcpProxy } from '../../fixtures/kafka/tcp-proxy.ts';
import type { NetworkFault } from '../scenario/scenario.ts';
import { beginDisruption, type Testbed } from '../testbed/testbed.ts';

/** Each chunk arrives this much later: far below a request timeout, and more than a real network adds. */
const delayMs = 250;
/** New connections are cut again after this time. */
const cutEveryMs = 400;

export async function injectNetworkFault(testbed: Testbed, fault: NetworkFault): Promise<void> {
  const slots = testbed.slots.filter((_, index) => fault.gateway === 'all' || fault.gateway === index);
  const isKafka = fault.kind === 'kafka-network';
  const proxies = slots.flatMap(({ route, functionProxy }) => (isKafka ? route.proxies : [functionProxy]));
  const ends = isKafka
    ? slots.map(({ name }) =>
        beginDisruption(testbed, {
          what: `${fault.effect} between gateway and Kafka`,
          gateway: name,
          cutsOff: true,
        }),
      )
    : [];
  await breakNetwork(proxies, fault);
  for (const proxy of proxies) {
    proxy.pass();
    await proxy.accept();
  }
  for (const end of ends) end();
}

async function breakNetwork(
  proxies: readonly TcpProxy[],
  { effect, direction, forMs }: NetworkFault,
): Promise<void> {
  switch (effect) {
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

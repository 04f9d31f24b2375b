// Probes an endpoint that refused a connection until it accepts one, with a growing delay: by TCP, and for https by a whole handshake.
import { dial, type Connecting } from '../http/dial.ts';
import { targetOf } from '../http/target.ts';

/** First and longest delay between two probes, in ms. */
const firstDelayMs = 20;
const longestDelayMs = 1_000;

/**
 * Calls `onAccepting` once, when `origin` (such as `http://10.1.2.3:8080`) accepts a connection. Each probe asks `connecting` what to
 * connect with. An address that its guard refuses gets no connection, and is checked again after the delay. Returns a function that
 * stops probing.
 */
export function untilAccepting(
  origin: string,
  onAccepting: () => void,
  connecting: () => Connecting = () => ({}),
): () => void {
  const target = targetOf(origin);
  let stopStep = (): void => undefined;
  const wait = (delayMs: number): void => {
    const timer = setTimeout(probe, delayMs, delayMs);
    stopStep = () => clearTimeout(timer);
  };
  const probe = (delayMs: number): void => {
    stopStep = dial(target, connecting(), {
      onConnected: (socket) => {
        socket.on('error', () => undefined).destroy();
        onAccepting();
      },
      onFailure: () => wait(Math.min(delayMs * 2, longestDelayMs)),
      onBytes: () => undefined,
    });
  };
  wait(firstDelayMs);
  return () => stopStep();
}

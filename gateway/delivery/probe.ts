// Waits for an endpoint that refused a connection to accept one, asking by TCP connect with growing pauses.
import { connect } from 'node:net';
import { hostOf } from '../contract/function-address.ts';
import type { ConnectGuard } from './connect-guard.ts';

/** First and longest pause between two looks, and how long one look may take, in ms. */
const firstPauseMs = 20;
const longestPauseMs = 1_000;
const lookMs = 1_000;

/**
 * Calls `onAccepting` once, when `origin` (such as `http://10.1.2.3:8080`) takes connections. What `guard` refuses is not connected to, and
 * asked about again. Returns how to stop.
 */
export function untilAccepting(origin: string, onAccepting: () => void, guard?: ConnectGuard): () => void {
  const { port, protocol } = new URL(origin);
  const host = hostOf(origin);
  const address = {
    host,
    port: Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port),
    timeout: lookMs,
    ...(guard && { lookup: guard.lookup }),
  };
  let stopped = false;
  let stopLook = (): void => undefined;

  const look = (pauseMs: number): void => {
    if (guard === undefined) return connectTo(pauseMs);
    guard.passAddress(host).then(
      () => stopped || connectTo(pauseMs),
      () => stopped || wait(longer(pauseMs)),
    );
  };
  const connectTo = (pauseMs: number): void => {
    const socket = connect(address);
    const end = (accepted: boolean): void => {
      socket.destroy();
      if (stopped) return;
      if (accepted) {
        stopped = true;
        onAccepting();
      } else {
        wait(longer(pauseMs));
      }
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
    stopLook = () => socket.destroy();
  };
  const wait = (pauseMs: number): void => {
    const timer = setTimeout(look, pauseMs, pauseMs);
    stopLook = () => clearTimeout(timer);
  };

  wait(firstPauseMs);
  return () => {
    stopped = true;
    stopLook();
  };
}

function longer(pauseMs: number): number {
  return Math.min(pauseMs * 2, longestPauseMs);
}

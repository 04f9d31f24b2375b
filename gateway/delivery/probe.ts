// Waits for an endpoint that refused a connection to accept one, asking by TCP connect with growing pauses.
import { connect } from 'node:net';

/** First and longest pause between two looks, and how long one look may take, in ms. */
const firstPauseMs = 20;
const longestPauseMs = 1_000;
const lookMs = 1_000;

/** Calls `onAccepting` once, when `origin` (such as `http://10.1.2.3:8080`) takes connections. Returns how to stop. */
export function untilAccepting(origin: string, onAccepting: () => void): () => void {
  const { hostname, port, protocol } = new URL(origin);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const address = {
    host,
    port: Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port),
    timeout: lookMs,
  };
  let stopped = false;
  let stopLook = (): void => undefined;

  const look = (pauseMs: number): void => {
    const socket = connect(address);
    const end = (accepted: boolean): void => {
      socket.destroy();
      if (stopped) return;
      if (accepted) {
        stopped = true;
        onAccepting();
      } else {
        wait(Math.min(pauseMs * 2, longestPauseMs));
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

// Waits for an endpoint that refused a connection to accept one, asking with growing pauses: by TCP, and over https by a whole handshake.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hostOf } from '../../core/network/tenant-address.ts';
import { tlsOptions, whenAdmitted, type Connecting } from './function-connector.ts';

/** First and longest pause between two looks, and how long one look may take, in ms. */
const firstDelayMs = 20;
const longestDelayMs = 1_000;
const checkMs = 1_000;

/**
 * Calls `onAccepting` once, when `origin` (such as `http://10.1.2.3:8080`) takes connections by what `connecting` gives at each look. What
 * a guard refuses is not connected to, and asked about again. Returns how to stop.
 */
export function untilAccepting(
  origin: string,
  onAccepting: () => void,
  connecting: () => Connecting = () => ({}),
): () => void {
  const { port, protocol } = new URL(origin);
  const host = hostOf(origin);
  const isTls = protocol === 'https:';
  const address = { host, port: Number(port === '' ? (isTls ? 443 : 80) : port), timeout: checkMs };
  let stopped = false;
  let stopLook = (): void => undefined;

  const look = (delayMs: number): void => {
    const { guard } = connecting();
    if (guard === undefined) return connectTo(delayMs);
    guard.checkAddress(host).then(
      () => stopped || connectTo(delayMs),
      () => stopped || wait(longer(delayMs)),
    );
  };
  const connectTo = (delayMs: number): void => {
    const { guard, tls = {} } = connecting();
    const guarded = { ...address, ...(guard && { lookup: guard.lookup }) };
    let isOver = false;
    const end = (accepted: boolean): void => {
      if (isOver) return;
      isOver = true;
      socket.destroy();
      if (stopped) return;
      if (accepted) {
        stopped = true;
        onAccepting();
      } else {
        wait(longer(delayMs));
      }
    };
    const secure = isTls ? connectTls({ ...guarded, ...tlsOptions(tls) }) : undefined;
    const socket = secure ?? connect(guarded);
    if (secure === undefined) socket.once('connect', () => end(true));
    else secure.once('secureConnect', () => whenAdmitted(secure, (refusal) => end(refusal === undefined)));
    socket.once('timeout', () => end(false));
    socket.on('error', () => end(false));
    stopLook = () => socket.destroy();
  };
  const wait = (delayMs: number): void => {
    const timer = setTimeout(look, delayMs, delayMs);
    stopLook = () => clearTimeout(timer);
  };

  wait(firstDelayMs);
  return () => {
    stopped = true;
    stopLook();
  };
}

function longer(delayMs: number): number {
  return Math.min(delayMs * 2, longestDelayMs);
}

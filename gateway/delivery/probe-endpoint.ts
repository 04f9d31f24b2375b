// Waits for an endpoint that refused a connection to accept one, asking with growing pauses: by TCP, and over https by a whole handshake.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hostOf } from '../../core/network/tenant-address.ts';
import { tlsOptions, whenAdmitted, type Connecting } from './function-connector.ts';

/** First and longest pause between two looks, and how long one look may take, in ms. */
const firstPauseMs = 20;
const longestPauseMs = 1_000;
const lookMs = 1_000;

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
  const address = { host, port: Number(port === '' ? (isTls ? 443 : 80) : port), timeout: lookMs };
  let stopped = false;
  let stopLook = (): void => undefined;

  const look = (pauseMs: number): void => {
    const { guard } = connecting();
    if (guard === undefined) return connectTo(pauseMs);
    guard.passAddress(host).then(
      () => stopped || connectTo(pauseMs),
      () => stopped || wait(longer(pauseMs)),
    );
  };
  const connectTo = (pauseMs: number): void => {
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
        wait(longer(pauseMs));
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

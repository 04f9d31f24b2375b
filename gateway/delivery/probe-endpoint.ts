// Probes an endpoint that refused a connection until it accepts one, with a growing delay: by TCP, and for https by a whole handshake.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { hostOf } from '../../core/network/tenant-address.ts';
import { tlsOptions, whenAdmitted, type Connecting } from '../http/dial.ts';

/** First and longest delay between two probes, and the timeout of one probe, in ms. */
const firstDelayMs = 20;
const longestDelayMs = 1_000;
const probeTimeoutMs = 1_000;

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
  const { port, protocol } = new URL(origin);
  const host = hostOf(origin);
  const isTls = protocol === 'https:';
  const address = { host, port: Number(port === '' ? (isTls ? 443 : 80) : port), timeout: probeTimeoutMs };
  let stopped = false;
  let stopStep = (): void => undefined;

  const probe = (delayMs: number): void => {
    const { guard } = connecting();
    if (guard === undefined) return connectTo(delayMs);
    guard.checkAddress(host).then(
      () => stopped || attempt(connectTo, delayMs),
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
    stopStep = () => socket.destroy();
  };
  const wait = (delayMs: number): void => {
    const timer = setTimeout(() => attempt(probe, delayMs), delayMs);
    stopStep = () => clearTimeout(timer);
  };
  /** OpenSSL throws at once for a certificate that it does not take, such as one with a short key. */
  const attempt = (step: (delayMs: number) => void, delayMs: number): void => {
    try {
      step(delayMs);
    } catch {
      wait(longer(delayMs));
    }
  };

  wait(firstDelayMs);
  return () => {
    stopped = true;
    stopStep();
  };
}

function longer(delayMs: number): number {
  return Math.min(delayMs * 2, longestDelayMs);
}

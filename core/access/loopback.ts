// Whether a request comes from a program on this machine. Requests through `kubectl exec` and `kubectl port-forward` count as such;
// requests of a web page in a local browser, and requests that a local proxy forwards, do not.
import type { IncomingMessage } from 'node:http';

/** Not all of 127.0.0.0/8: sidecars of a service mesh forward requests from outside through other addresses of it. */
const loopbackAddresses = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const loopbackHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;
/** Headers that browsers set for other origins, or that proxies set. */
const foreignHeaders = ['origin', 'forwarded', 'x-forwarded-for', 'via'];

export function isLoopback({ headers, socket }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return (
    loopbackAddresses.has(socket.remoteAddress ?? '') &&
    // Against DNS rebinding: an attacker's name that resolves to this machine still stands in the Host header.
    loopbackHost.test(headers.host ?? '') &&
    foreignHeaders.every((name) => headers[name] === undefined) &&
    // `none`: a URL typed into the browser. `same-origin`: a page of this port, and none of them has a form.
    (site === undefined || site === 'none' || site === 'same-origin')
  );
}

// Whether a request comes from a program on this machine: as `kubectl exec` and `kubectl port-forward` arrive too. A page in a browser
// here is none, nor is what a proxy here passes on.
import type { IncomingMessage } from 'node:http';

/** Not all of 127.0.0.0/8: sidecars of a service mesh pass on what comes from outside by others of it. */
const loopbackAddresses = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const loopbackHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;
/** Set by browsers for other origins, or by proxies. */
const foreignHeaders = ['origin', 'forwarded', 'x-forwarded-for', 'via'];

export function isLoopback({ headers, socket }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  return (
    loopbackAddresses.has(socket.remoteAddress ?? '') &&
    // A name that an attacker made to mean this machine is still that name here.
    loopbackHost.test(headers.host ?? '') &&
    foreignHeaders.every((name) => headers[name] === undefined) &&
    // Typed into the browser, or asked for by a page of ours: none of ours has a form.
    (site === undefined || site === 'none' || site === 'same-origin')
  );
}

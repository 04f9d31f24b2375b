// Who may change what a gateway does: whoever bears the token, and programs on its own machine, which `kubectl exec` and
// `kubectl port-forward` arrive as. A page in a browser on that machine is not among them, nor is what a proxy there passes on.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Not all of 127.0.0.0/8: sidecars of a service mesh pass on what comes from outside by others of it. */
const loopbackAddresses = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);
const loopbackHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i;
/** Set by browsers, or by proxies. */
const foreignHeaders = ['origin', 'sec-fetch-site', 'forwarded', 'x-forwarded-for', 'via'];

export function mayChange({ headers, socket }: IncomingMessage, token: string | undefined): boolean {
  if (token !== undefined && headers.authorization !== undefined)
    return isSame(headers.authorization, `Bearer ${token}`);
  return (
    loopbackAddresses.has(socket.remoteAddress ?? '') &&
    // A name that an attacker made to mean this machine is still that name here.
    loopbackHost.test(headers.host ?? '') &&
    foreignHeaders.every((name) => headers[name] === undefined)
  );
}

/** In a time that tells nothing of either. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

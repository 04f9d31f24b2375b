// Where requests go: the parts of an origin, read once.
import { hostOf } from '../../core/network/tenant-address.ts';

export interface Target {
  /** A name, or an address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** The value of the header `host` (RFC 9110, section 7.2). */
  readonly authority: string;
}

/** Reads an origin, such as `http://10.1.2.3:8080` or `https://[::1]:8443`. */
export function targetOf(origin: string): Target {
  const { protocol, port, host } = new URL(origin);
  const isTls = protocol === 'https:';
  return {
    host: hostOf(origin),
    port: Number(port === '' ? (isTls ? 443 : 80) : port),
    isTls,
    authority: host,
  };
}

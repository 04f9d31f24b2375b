// Host and port of a broker, as text and apart. An IPv6 address stands in brackets where a port follows.

/** Of `host:port`, as `parseBrokers` has judged it. */
export function hostAndPort(broker: string): { readonly host: string; readonly port: number } {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(broker.slice(colon + 1)) };
}

export function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

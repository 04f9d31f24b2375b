// Which addresses tenants may name for functions, brokers and token endpoints. Refused are addresses of our own pod, of the metadata
// services that give out credentials of a cloud, and of the API server, and whatever is not understood.
import { BlockList, isIP } from 'node:net';

/**
 * What happens to `function.uri` in Kubernetes. `refused`: it is not allowed. `guarded`: it must not lead to a refused address.
 * `unguarded`: it may lead anywhere.
 */
export const functionUris = ['refused', 'guarded', 'unguarded'] as const;

export type FunctionUris = (typeof functionUris)[number];

export function parseFunctionUris(text: string): FunctionUris | undefined {
  return functionUris.find((one) => one === text);
}

/** What happens to other addresses that tenants name. `guarded`: they must not lead to a refused address. `unguarded`: they may lead anywhere. */
export const tenantAddresses = ['guarded', 'unguarded'] as const;

export type TenantAddresses = (typeof tenantAddresses)[number];

export function parseTenantAddresses(text: string): TenantAddresses | undefined {
  return tenantAddresses.find((one) => one === text);
}

/** Why `address` is refused, as text after "which is"; undefined if tenants may use it. */
export type AddressCheck = (address: string) => string | undefined;

type Range = readonly [address: string, prefix: number];

/** https://www.iana.org/assignments/iana-ipv4-special-registry, and metadata services of clouds. Private addresses are allowed: pods have them. */
const refusedIpv4: readonly (readonly [why: string, ranges: readonly Range[]])[] = [
  ['an unspecified address', [['0.0.0.0', 8]]],
  ['a loopback address', [['127.0.0.0', 8]]],
  ['a link-local address, where clouds serve metadata', [['169.254.0.0', 16]]],
  [
    'where a cloud serves metadata',
    [
      ['100.100.100.200', 32], // Alibaba
      ['168.63.129.16', 32], // Azure
      ['192.0.0.192', 32], // Oracle
    ],
  ],
  ['a multicast address', [['224.0.0.0', 4]]],
  [
    'a reserved address',
    [
      ['192.0.0.0', 24],
      ['240.0.0.0', 4], // with 255.255.255.255, broadcast
    ],
  ],
];

const refusedIpv6: typeof refusedIpv4 = [
  ['an unspecified address', [['::', 128]]],
  ['a loopback address', [['::1', 128]]],
  ['a link-local address', [['fe80::', 10]]],
  [
    'where a cloud serves metadata',
    [
      ['fd00:ec2::', 32], // AWS
      ['fd20:ce::254', 128], // Google
      ['fd00:42::42', 128], // Scaleway
    ],
  ],
  ['a multicast address', [['ff00::', 8]]],
  ['an address of a Teredo tunnel', [['2001::', 32]]],
];

/** The ranges of IPv6 that hosts have addresses in: global, private, and those that stand for an IPv4 address. All others are refused. */
const hostsOfIpv6: readonly Range[] = [
  ['2000::', 3],
  ['fc00::', 7],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
];

const rules = [...refusedIpv4, ...refusedIpv6].map(([why, ranges]) => ({ why, list: listOf(ranges) }));
const known = new BlockList();
for (const [address, prefix] of hostsOfIpv6) known.addSubnet(address, prefix, 'ipv6');

/** `apiServer`: the addresses of the API server, which are refused as well. */
export function createAddressCheck(apiServer: readonly string[]): AddressCheck {
  const own = listOf(apiServer.map((address) => [address, isIP(address) === 6 ? 128 : 32]));
  return (text) => {
    // A zone, as in fe80::1%eth0.
    const address = text.replace(/%.*$/s, '');
    const version = isIP(address);
    if (version === 0) return 'no IP address';
    const family = version === 6 ? 'ipv6' : 'ipv4';
    const rule = rules.find(({ list }) => list.check(address, family));
    if (rule !== undefined) return rule.why;
    if (family === 'ipv6' && !known.check(address, family)) return 'a reserved address';
    return own.check(address, family) ? 'an address of the API server' : undefined;
  };
}

/** Includes the IPv6 forms of IPv4 addresses: mapped (RFC 4291), NAT64 (RFC 6052) and 6to4 (RFC 3056). */
function listOf(ranges: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of ranges) {
    if (isIP(address) === 6) {
      list.addSubnet(address, prefix, 'ipv6');
      continue;
    }
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    const [high, low] = [a * 256 + b, c * 256 + d].map((word) => word.toString(16));
    list.addSubnet(address, prefix, 'ipv4');
    list.addSubnet(`::ffff:${high}:${low}`, 96 + prefix, 'ipv6');
    list.addSubnet(`64:ff9b::${high}:${low}`, 96 + prefix, 'ipv6');
    list.addSubnet(`2002:${high}:${low}::`, 16 + prefix, 'ipv6');
  }
  return list;
}

const checkWithoutApiServer = createAddressCheck([]);

/**
 * What is wrong with a `function.uri` under this setting, and what to do, as text after the name of the field; undefined if it is right.
 * The addresses of a name are checked only at each connection.
 */
export function whyUriRefused(uri: string, functionUris: FunctionUris): string | undefined {
  switch (functionUris) {
    case 'refused':
      return 'is not allowed in this installation. Write a ref or a service, or ask for functions.uris=guarded in the values of the chart.';
    case 'guarded': {
      const why = whyHostRefused(hostOf(uri));
      return why && `leads to ${new URL(uri).hostname}, which is ${why}. Name a host that tenants may use.`;
    }
    case 'unguarded':
      return undefined;
  }
}

function whyHostRefused(host: string): string | undefined {
  if (isIP(host) !== 0) return checkWithoutApiServer(host);
  return /(^|\.)localhost\.?$/.test(host) ? 'a loopback name' : undefined;
}

/** Name or address of a URL: IPv6 without brackets, and an address in any other spelling in its normal form. */
export function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

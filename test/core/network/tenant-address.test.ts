import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import {
  createAddressCheck,
  hostOf,
  whyUriRefused,
  parseFunctionUris,
  parseTenantAddresses,
} from '../../../core/network/tenant-address.ts';

const check = createAddressCheck([]);

const anyByte = fc.integer({ min: 0, max: 255 });
const anyIpv4 = fc.tuple(anyByte, anyByte, anyByte, anyByte);
type Bytes = [number, number, number, number];

/** The rule for IPv4, written independently. */
function isRefused([a, b, c, d]: Bytes): boolean {
  const isMetadata = ['100.100.100.200', '168.63.129.16'].includes([a, b, c, d].join('.'));
  return a === 0 || a === 127 || a >= 224 || (a === 169 && b === 254) || isMetadata || isReserved([a, b, c]);
}

function isReserved([a, b, c]: readonly number[]): boolean {
  return a === 192 && b === 0 && c === 0;
}

/** Half of them are near what is refused. */
const anyNear = fc.oneof(
  anyIpv4,
  fc.tuple(fc.constantFrom(0, 1, 126, 127, 128, 168, 169, 192, 223, 224, 255), anyByte, anyByte, anyByte),
  fc.tuple(fc.constantFrom(169, 168), fc.constantFrom(253, 254, 255), anyByte, anyByte),
  fc.constantFrom<Bytes>([100, 100, 100, 200], [168, 63, 129, 16], [192, 0, 0, 192], [192, 0, 1, 1]),
);

const hex = (bytes: readonly number[]) => bytes.map((byte) => byte.toString(16).padStart(2, '0'));
const words = (bytes: Bytes) => {
  const [a, b, c, d] = hex(bytes);
  return `${a}${b}:${c}${d}`;
};

t.test('an IPv4 address gets the same answer in all its IPv6 forms', async () => {
  fc.assert(
    fc.property(anyNear, (bytes) => {
      const dotted = bytes.join('.');
      const why = check(dotted);
      assert.equal(why !== undefined, isRefused(bytes), dotted);
      const forms = [
        `::ffff:${dotted}`,
        `::FFFF:${words(bytes)}`,
        `0:0:0:0:0:ffff:${dotted}`,
        `64:ff9b::${dotted}`,
        `2002:${words(bytes)}::1`,
        `2002:${words(bytes)}:a:b:c:d:e`,
      ];
      for (const form of forms) assert.equal(check(form), why, form);
    }),
    { numRuns: 2_000 },
  );
});

t.test('IPv6 addresses outside the ranges of hosts are refused', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), (first) => {
      const isGlobal = first >= 0x2000 && first <= 0x3fff;
      const isPrivate = first >= 0xfc00 && first <= 0xfdff;
      // 6to4 of 0.2.0.3
      const isOpen = (isGlobal || isPrivate) && first !== 0x2002;
      assert.equal(check(`${first.toString(16)}:2:3:4:5:6:7:8`) === undefined, isOpen);
    }),
  );
});

const table: readonly [address: string, why: RegExp | undefined][] = [
  ['10.96.0.10', undefined],
  ['172.16.3.4', undefined],
  ['192.168.1.1', undefined],
  ['100.64.0.1', undefined],
  ['93.184.216.34', undefined],
  ['2606:2800:220:1::1', undefined],
  ['fd12:3456::1', undefined],
  ['0.0.0.0', /^an unspecified/],
  ['::', /^an unspecified/],
  ['127.0.0.53', /^a loopback/],
  ['::1', /^a loopback/],
  ['169.254.169.254', /^a link-local address, where clouds/],
  ['fe80::1', /^a link-local/],
  ['fe80::1%eth0', /^a link-local/],
  ['fd00:ec2::254', /metadata/],
  ['fd20:ce::254', /metadata/],
  ['100.100.100.200', /metadata/],
  ['224.0.0.1', /^a multicast/],
  ['ff02::1', /^a multicast/],
  ['255.255.255.255', /^a reserved/],
  ['192.0.0.8', /^a reserved/],
  ['2001::1', /Teredo/],
  ['::127.0.0.1', /^a reserved/],
  ['::ffff:0:127.0.0.1', /^a reserved/],
  ['64:ff9b:1::7f00:1', /^a reserved/],
  ['fec0::1', /^a reserved/],
  ['', /^no IP address/],
  ['%eth0', /^no IP address/],
  ['127.1', /^no IP address/],
  ['example.com', /^no IP address/],
];
for (const [address, why] of table) {
  t.test(`${address} ${why === undefined ? 'is open to tenants' : 'is refused'}`, async (t) => {
    if (why === undefined) t.equal(check(address), undefined);
    else t.match(check(address), why);
  });
}

t.test('each address of the API server is refused', async (t) => {
  const strict = createAddressCheck(['10.96.0.1', 'fd00:10:96::1']);
  for (const address of ['10.96.0.1', '::ffff:10.96.0.1', '64:ff9b::a60:1', '2002:a60:1::', 'fd00:10:96::1'])
    t.equal(strict(address), 'an address of the API server', address);
  for (const address of ['10.96.0.2', 'fd00:10:96::2']) t.equal(strict(address), undefined, address);
});

t.test('a URI may be refused, guarded or unguarded', async (t) => {
  t.match(whyUriRefused('http://a/', 'refused'), /^is not allowed .* functions\.uris=guarded /);
  t.equal(whyUriRefused('http://a/', 'guarded'), undefined, 'the addresses of the name are not known yet');
  t.equal(whyUriRefused('http://10.1.2.3:8080/', 'guarded'), undefined);
  t.equal(whyUriRefused('http://127.0.0.1/', 'unguarded'), undefined);
});

/** Each means 127.0.0.1, ::1 or 169.254.169.254: https://url.spec.whatwg.org/#concept-ipv4-parser */
const spellings = [
  'http://127.0.0.1/',
  'http://127.1:8080/x',
  'http://2130706433/',
  'http://0x7f.0.0.1/',
  'http://0x7f000001/',
  'http://017700000001/',
  'http://0177.0.0.01/',
  'http://127.0.0.1./',
  'http://１２７.0.0.1/',
  'http://%31%32%37.0.0.1/',
  'http://user:password@127.0.0.1/',
  'https://[::1]/',
  'https://[0:0::0:1]:8443/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://0xa9fea9fe/latest/meta-data',
  'http://localhost:8080/',
  'http://LOCALHOST./',
  'http://a.localhost/',
];
for (const uri of spellings) {
  t.test(`${uri} is seen through`, async (t) => {
    t.match(whyUriRefused(uri, 'guarded'), /^leads to \S+, which is an? (loopback|link-local)/);
  });
}

t.test('the host of a URL is a name, or an address as node:net knows it', async (t) => {
  t.equal(hostOf('http://Example.COM:80/'), 'example.com');
  t.equal(hostOf('http://[FD00::1]:80/'), 'fd00::1');
});

t.test('the setting for URIs has three values', async (t) => {
  t.same(['refused', 'guarded', 'unguarded'].map(parseFunctionUris), ['refused', 'guarded', 'unguarded']);
  t.same(['', 'true', 'Guarded'].map(parseFunctionUris), Array(3).fill(undefined));
});

t.test('the setting for other addresses of tenants has two values', async (t) => {
  t.same(['guarded', 'unguarded'].map(parseTenantAddresses), ['guarded', 'unguarded']);
  t.same(['', 'refused'].map(parseTenantAddresses), Array(2).fill(undefined));
});

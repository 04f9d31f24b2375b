// Connections to addresses that tenants name: those of functions, brokers and token endpoints. A name is looked up for each connection, for
// it may lead elsewhere by then; unless all of its addresses are open to tenants nothing is connected to, and otherwise nothing else is.
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import { createAddressCheck, type AddressCheck } from './tenant-address.ts';

export interface ConnectGuardOptions {
  /** All addresses of a name; rejects, as node:dns does, where there are none. Default: the system's lookup. */
  readonly resolve?: ((name: string) => Promise<readonly LookupAddress[]>) | undefined;
  /** Names and addresses of the API server. */
  readonly apiServerHosts: readonly string[];
  /** What is refused beside the addresses of the API server, which it is given; default: tenant-address.ts. */
  readonly createCheck?: ((apiServer: readonly string[]) => AddressCheck) | undefined;
}

export interface ConnectGuard {
  /** For node:net, which asks it for names, and connects to what it tells. Fails with MILLRACE_ADDRESS_REFUSED. */
  readonly lookup: LookupFunction;
  /** Rejects where `host` is an address that is refused: for it node:net asks no `lookup`. Of a name it says nothing. */
  checkAddress(host: string): Promise<void>;
}

export function createConnectGuard(options: ConnectGuardOptions): ConnectGuard {
  const { resolve = resolveName, apiServerHosts, createCheck = createAddressCheck } = options;
  let apiServer: readonly string[] | undefined;

  const addressesOf = async (host: string): Promise<readonly LookupAddress[]> => {
    const family = isIP(host);
    return family === 0 ? resolve(host) : [{ address: host, family }];
  };
  /** Where the API server cannot be looked up, it is where it was. */
  const currentCheck = async (): Promise<AddressCheck> => {
    try {
      const found = await Promise.all(apiServerHosts.map(addressesOf));
      apiServer = found.flat().map(({ address }) => address);
    } catch (error) {
      if (apiServer === undefined) throw error;
    }
    return createCheck(apiServer);
  };
  /** At least one. */
  const openAddresses = async (host: string): Promise<readonly [LookupAddress, ...LookupAddress[]]> => {
    const [check, [first, ...others]] = await Promise.all([currentCheck(), addressesOf(host)]);
    if (first === undefined) throw new MillraceError('MILLRACE_ADDRESS_REFUSED', `${host} has no address`);
    const addresses = [first, ...others] as const;
    for (const { address } of addresses) {
      const why = check(address);
      if (why === undefined) continue;
      const what = address === host ? host : `${host} resolves to ${address}, which`;
      throw new MillraceError('MILLRACE_ADDRESS_REFUSED', `${what} is ${why}`);
    }
    return addresses;
  };
  return {
    lookup: (name, { all }, callback) => {
      openAddresses(name).then(
        ([first, ...others]) => {
          if (all === true) callback(null, [first, ...others]);
          else callback(null, first.address, first.family);
        },
        (error: unknown) => callback(error as Error, []),
      );
    },
    checkAddress: async (host) => {
      if (isIP(host) !== 0) await openAddresses(host);
    },
  };
}

function resolveName(name: string): Promise<LookupAddress[]> {
  return lookup(name, { all: true });
}

/** For node:net and node:tls, which ask nobody for an address: here it is looked up as a name is, so that it is judged too. */
export function guardedTarget(guard: ConnectGuard, host: string): { host: string; lookup: LookupFunction } {
  return {
    host: `guarded ${host}`,
    lookup: (_name, options, callback) => guard.lookup(host, options, callback),
  };
}

/** How undici connects through `guard`, to plain and to TLS endpoints. */
export function createGuardedConnector(
  guard: ConnectGuard,
  options: buildConnector.BuildOptions,
): buildConnector.connector {
  const connect = buildConnector({ ...options, lookup: guard.lookup });
  return (target, callback) => {
    guard.checkAddress(target.hostname).then(
      () => connect(target, callback),
      (error: unknown) => callback(error as Error, null),
    );
  };
}

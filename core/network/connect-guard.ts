// Guards connections to hosts that tenants name: functions, brokers and token endpoints.
// A name is resolved for each connection, because it may lead elsewhere by then. If one of its addresses is refused, there is no connection;
// otherwise the connection goes to one of the addresses that were checked.
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { MillraceError } from '../contract/errors.ts';
import { createAddressCheck, type AddressCheck } from './tenant-address.ts';

export interface ConnectGuardOptions {
  /** All addresses of a name. Rejects as node:dns does if there are none. Default: the lookup of the system. */
  readonly resolve?: ((name: string) => Promise<readonly LookupAddress[]>) | undefined;
  /** Names and addresses of the API server. */
  readonly apiServerHosts: readonly string[];
  /** Makes the check from the addresses of the API server. Default: tenant-address.ts. */
  readonly createCheck?: ((apiServer: readonly string[]) => AddressCheck) | undefined;
}

export interface ConnectGuard {
  /** The `lookup` option of node:net, which calls it for names and connects to its result. Fails with MILLRACE_ADDRESS_REFUSED. */
  readonly lookup: LookupFunction;
  /** Rejects if `host` is a refused address, because node:net calls no `lookup` for addresses. Does not check names. */
  checkAddress(host: string): Promise<void>;
  /**
   * Checks an address before there is any connection, by the addresses of the API server that are known so far.
   */
  readonly whyRefused: AddressCheck;
}

export function createConnectGuard(options: ConnectGuardOptions): ConnectGuard {
  const { resolve = resolveName, apiServerHosts, createCheck = createAddressCheck } = options;
  let apiServer: readonly string[] | undefined;
  let lastCheck = createCheck(apiServerHosts.filter((host) => isIP(host) !== 0));

  const addressesOf = async (host: string): Promise<readonly LookupAddress[]> => {
    const family = isIP(host);
    return family === 0 ? resolve(host) : [{ address: host, family }];
  };
  /** If the API server cannot be resolved, its last known addresses count. */
  const currentCheck = async (): Promise<AddressCheck> => {
    try {
      const found = await Promise.all(apiServerHosts.map(addressesOf));
      const addresses = found.flat().map(({ address }) => address);
      if (addresses.join() !== apiServer?.join()) lastCheck = createCheck(addresses);
      apiServer = addresses;
    } catch (error) {
      if (apiServer === undefined) throw error;
    }
    return lastCheck;
  };
  /** All addresses of `host`, at least one. Rejects if one of them is refused. */
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
    whyRefused: (address) => lastCheck(address),
  };
}

function resolveName(name: string): Promise<LookupAddress[]> {
  return lookup(name, { all: true });
}

/** Options for node:net and node:tls that make them look up addresses like names, so that the guard checks addresses too. */
export function guardedTarget(guard: ConnectGuard, host: string): { host: string; lookup: LookupFunction } {
  return {
    host: `guarded ${host}`,
    lookup: (_name, options, callback) => guard.lookup(host, options, callback),
  };
}

/** A connector for undici that connects through `guard`, to plain and to TLS endpoints. */
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

// Settings that gateway and scaler read alike: text → value; undefined where the text is none.

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

/** `host:port`, separated by commas, at least one; an IPv6 address stands in brackets. */
export function parseBrokers(text: string): readonly string[] | undefined {
  const brokers = text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  return brokers.length > 0 && brokers.every(isAddress) ? brokers : undefined;
}

function isAddress(text: string): boolean {
  const port = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:/]+):(\d{1,5})$/.exec(text)?.[1];
  return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
}

/** A port; 0 for any free one. */
export function parsePort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

export function parseLogLevel(text: string): LogLevel | undefined {
  return logLevels.find((level) => level === text.toLowerCase());
}

/**
 * What becomes of `function.uri` in Kubernetes: it is refused; or it is taken, and connected to unless that leads where no function is
 * (tenant-address.ts); or it is taken, wherever it leads.
 */
export const functionUris = ['refused', 'guarded', 'unguarded'] as const;

export type FunctionUris = (typeof functionUris)[number];

export function parseFunctionUris(text: string): FunctionUris | undefined {
  return functionUris.find((one) => one === text);
}

/**
 * What becomes of addresses that tenants name beside `function.uri`: they are connected to unless they lead where tenants have nothing
 * (tenant-address.ts); or wherever they lead.
 */
export const tenantAddresses = ['guarded', 'unguarded'] as const;

export type TenantAddresses = (typeof tenantAddresses)[number];

export function parseTenantAddresses(text: string): TenantAddresses | undefined {
  return tenantAddresses.find((one) => one === text);
}

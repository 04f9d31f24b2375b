// The address that ports listen at. `any` is every address of the machine: `::` where it has IPv6, which takes IPv4 too, and `0.0.0.0` where it has
// not, because nothing can listen at `::` there.
import { networkInterfaces } from 'node:os';

export const anyAddress = 'any';

export function listenAddress(
  given: string,
  readInterfaces: typeof networkInterfaces = networkInterfaces,
): string {
  if (given !== anyAddress) return given;
  const addresses = Object.values(readInterfaces()).flatMap((all) => all ?? []);
  return addresses.some(({ family }) => family === 'IPv6') ? '::' : '0.0.0.0';
}

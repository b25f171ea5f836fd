import { BlockList, isIPv6 } from 'node:net';

/** Answers whether an address is one of the trusted peers. */
export type Trust = (address: string | undefined) => boolean;

/**
 * Trust in a list of `address` and `address/prefix`.
 *
 * @throws when an entry is neither.
 */
export function trustOf(cidrs: readonly string[]): Trust {
  if (cidrs.length === 0) return () => false;
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    if (address === undefined) return false;
    const plain = plainAddress(address);
    return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
  };
}

/** An IPv4 address as such also where the socket is a dual-stack one. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

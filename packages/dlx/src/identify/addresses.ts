import { BlockList, isIPv6 } from 'node:net';

/** A Host in its one form: lower case, without final dot; the port apart. */
export interface HostKey {
  readonly name: string;
  readonly port: number | undefined;
}

const pattern = /^(\[[0-9a-fA-F:.]+\]|[^\s:/?#@[\]]+?)\.?(?::(\d{0,5}))?$/;

/** Hosts that were parsed already: few are asked for, often, and each several times per request. */
const known = new Map<string, HostKey | undefined>();
const knownLimit = 1024;
/** A name of DNS has 253 characters; with a final dot and a port it has these. */
const longestHost = 260;

/** Undefined when it is not a host. */
export function parseHost(host: string): HostKey | undefined {
  if (host.length > longestHost) return undefined;
  const key = known.get(host);
  if (key !== undefined || known.has(host)) return key;
  // Clients choose them: a flood of new ones must not grow the map.
  if (known.size >= knownLimit) known.clear();
  const parsed = parse(host);
  known.set(host, parsed);
  return parsed;
}

function parse(host: string): HostKey | undefined {
  const match = pattern.exec(host);
  if (match === null) return undefined;
  const port = match[2] === undefined || match[2] === '' ? undefined : Number(match[2]);
  if (port !== undefined && port > 65_535) return undefined;
  return { name: (match[1] as string).toLowerCase(), port };
}

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

import { isIPv4, isIPv6 } from 'node:net';
import { plainAddress } from '../identify/directory.ts';

/** The two ends of a socket. */
export interface Ends {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** `\r\n\r\n\0\r\nQUIT\n`, version 2, the command PROXY. */
const signature = Buffer.from('0d0a0d0a000d0a515549540a21', 'hex');
const tcp4 = 0x11;
const tcp6 = 0x21;
const unknown = 0x00;

/**
 * The PROXY protocol's header, by which an endpoint hears who its client is and where that one connected to
 * (haproxy.org, "The PROXY protocol", versions 1 and 2). A client whose socket tells nothing any more is `UNKNOWN`.
 */
export function proxyHeader(version: 'v1' | 'v2', ends: Ends): Buffer {
  const from = plainAddress(ends.remoteAddress ?? '');
  const to = plainAddress(ends.localAddress ?? '');
  const ports = [ends.remotePort ?? 0, ends.localPort ?? 0] as const;
  const is4 = isIPv4(from) && isIPv4(to);
  const known = is4 || (isIPv6(from) && isIPv6(to));
  if (version === 'v1') {
    const text = known ? `${is4 ? 'TCP4' : 'TCP6'} ${unzoned(from)} ${unzoned(to)} ${ports.join(' ')}` : 'UNKNOWN';
    return Buffer.from(`PROXY ${text}\r\n`, 'latin1');
  }
  const addresses = known
    ? [...bytesOf(from), ...bytesOf(to), ...ports.flatMap((port) => [port >> 8, port & 255])]
    : [];
  const family = known ? (is4 ? tcp4 : tcp6) : unknown;
  return Buffer.from([...signature, family, 0, addresses.length, ...addresses]);
}

function bytesOf(address: string): number[] {
  if (isIPv4(address)) return address.split('.').map(Number);
  const [before = '', after] = unzoned(address).split('::');
  const head = groupsOf(before);
  const tail = groupsOf(after ?? '');
  const zeros = Array<number>(16 - head.length - tail.length).fill(0);
  return [...head, ...zeros, ...tail];
}

/** Two bytes for each group; the last may be an IPv4 address. */
function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return bytesOf(group);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

function unzoned(address: string): string {
  return address.split('%', 1)[0] as string;
}

/**
 * How close a client is to an endpoint: a client goes to the closest, which is the same in every DLX, and moves only when that one
 * is gone (rendezvous hashing, Thaler and Ravishankar 1998). FNV-1a, then the last mixing of MurmurHash3: addresses that differ in
 * one digit are to be far apart.
 */
export function closeness(client: string, endpoint: string): number {
  let hash = 0x811c9dc5;
  for (const text of [client, ' ', endpoint]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** An IPv6 address with its zone; a field may be as long as a head. */
const longest = 64;

/** Of a client's address, or of the list of addresses that proxies wrote: the client's own. */
export function firstAddress(list: string): string {
  const comma = list.indexOf(',');
  return list.slice(0, comma === -1 ? longest : Math.min(comma, longest)).trim();
}

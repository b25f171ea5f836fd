import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { TestingKitError } from '../../errors.ts';

/** Addresses of this machine that belong to one cluster: 127.A.0.0/16. */
export interface Loopback {
  /** The first two octets, `127.A`. */
  readonly prefix: string;
  /** A pod's address: 127.A.1.1 to 127.A.127.254, in turn, so that one comes back as late as possible. */
  takePodIP(): string;
  releasePodIP(ip: string): void;
  /** A Service's address: 127.A.128.1 to 127.A.191.254. */
  takeServiceIP(): string;
  /** An address for a Service on a further proxy: 127.A.192.1 to 127.A.254.254. */
  takeProxyIP(): string;
  /** Gives the whole range back. */
  close(): Promise<void>;
}

// Holding this port of the range's first address is what keeps other clusters, in this process or another, out of it:
// the claim ends with the process, however that ends.
const claimPort = 10_250;

function createPool(prefix: string, from: number, to: number) {
  const used = new Set<string>();
  const size = (to - from + 1) * 254;
  let next = 0;
  return {
    take(): string {
      for (let i = 0; i < size; i++) {
        const index = next++ % size;
        const ip = `${prefix}.${from + Math.floor(index / 254)}.${(index % 254) + 1}`;
        if (used.has(ip)) continue;
        used.add(ip);
        return ip;
      }
      throw new TestingKitError('addresses-exhausted', `all ${size} addresses from ${prefix}.${from}.1 on are in use`);
    },
    release: (ip: string): void => void used.delete(ip),
  };
}

async function claim(prefix: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ host: `${prefix}.0.1`, port: claimPort, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code: reason = String(error) } = error as { code?: string };
    const code = reason === 'EADDRINUSE' ? 'prefix-taken' : 'loopback-unavailable';
    throw new TestingKitError(code, `cannot listen on ${prefix}.0.1:${claimPort}: ${reason}`, { cause: error });
  }
  server.unref();
  return server;
}

async function claimAny(): Promise<{ prefix: string; server: Server }> {
  const first = Math.floor(Math.random() * 200);
  for (let i = 0; i < 200; i++) {
    const prefix = `127.${20 + ((first + i) % 200)}`;
    try {
      return { prefix, server: await claim(prefix) };
    } catch (error) {
      if ((error as TestingKitError).code !== 'prefix-taken') throw error;
    }
  }
  throw new TestingKitError('prefix-taken', 'all ranges from 127.20 to 127.219 are taken by other embedded clusters');
}

/**
 * Claims a range of loopback addresses.
 *
 * @param prefix the first two octets, such as `127.40`; default: any free range.
 * @throws TestingKitError `prefix-invalid`, `prefix-taken`, `loopback-unavailable`.
 */
export async function claimLoopback(prefix?: string): Promise<Loopback> {
  if (prefix !== undefined && !/^127\.\d{1,3}$/.test(prefix)) {
    throw new TestingKitError(
      'prefix-invalid',
      `podIpPrefix ${JSON.stringify(prefix)} is not of the form 127.A, such as 127.40`,
    );
  }
  const range = prefix === undefined ? await claimAny() : { prefix, server: await claim(prefix) };
  const podIPs = createPool(range.prefix, 1, 127);
  return {
    prefix: range.prefix,
    takePodIP: podIPs.take,
    releasePodIP: podIPs.release,
    takeServiceIP: createPool(range.prefix, 128, 191).take,
    takeProxyIP: createPool(range.prefix, 192, 254).take,
    close: () => new Promise((resolve) => range.server.close(() => resolve())),
  };
}

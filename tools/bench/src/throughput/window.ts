import type { Load } from '../load/load.ts';
import { cpuSeconds, rssBytes } from '../processes/usage.ts';
import type { Proxy } from '../proxies/proxy.ts';

/** The results of one window of load on one proxy. */
export interface Window {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  /** Processor time of the proxy, for each request. */
  readonly cpuUs: number;
  /** The share of a processor that the proxy used. */
  readonly busy: number;
  readonly rssMb: number;
}

export async function measureWindow(proxy: Proxy, load: (proxy: Proxy) => Promise<Load>): Promise<Window> {
  const { pid } = proxy;
  const cpu = cpuSeconds(pid);
  const { requests, seconds, failed, p50Ms, p99Ms } = await load(proxy);
  const used = cpuSeconds(pid) - cpu;
  return {
    perSecond: requests / seconds,
    p50Ms,
    p99Ms,
    failed,
    cpuUs: (used / requests) * 1e6,
    busy: used / seconds,
    rssMb: rssBytes(pid) / 1e6,
  };
}

import type { Load } from '../load/load.ts';
import { cpuSeconds, rssBytes } from '../processes/usage.ts';
import type { Proxy } from '../proxies/proxy.ts';

/** The results of one window of load on one proxy. */
export type Window = Awaited<ReturnType<typeof measureWindow>>;

export async function measureWindow(proxy: Proxy, load: (proxy: Proxy) => Promise<Load>) {
  const { pid } = proxy;
  const cpu = cpuSeconds(pid);
  const { requests, seconds, failed, p50Ms, p99Ms } = await load(proxy);
  const used = cpuSeconds(pid) - cpu;
  return {
    perSecond: requests / seconds,
    p50Ms,
    p99Ms,
    failed,
    /** Processor time of the proxy, for each request. */
    cpuUs: (used / requests) * 1e6,
    /** The share of a processor that the proxy used. */
    busy: used / seconds,
    rssMb: rssBytes(pid) / 1e6,
  };
}

/** Processor time, until Node's compiler has nothing left to do. */
const workSeconds = 3;
const windows = { quick: 3, full: 10 };

/**
 * Loads a proxy, in windows of a second, until it has used enough processor time: on a busy machine that takes longer.
 */
export async function warmUp({ pid }: Proxy, quick: boolean, loadOneSecond: () => Promise<unknown>): Promise<void> {
  const from = cpuSeconds(pid);
  for (let left = quick ? windows.quick : windows.full; left > 0; left--) {
    if (cpuSeconds(pid) - from >= workSeconds) return;
    await loadOneSecond();
  }
}

import { cpuSeconds } from '../processes/usage.ts';
import type { Proxy } from '../proxies/proxy.ts';

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

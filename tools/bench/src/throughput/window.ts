import type { Load } from '../load/load.ts';
import { disturbanceBetween, readTicks } from '../machine/disturbance.ts';
import { cpuSeconds, rssBytes } from '../processes/usage.ts';
import type { Rounds } from '../pairs.ts';
import type { Proxy } from '../proxies/proxy.ts';
import type { Context } from '../scenario.ts';

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

/** A window in which others took more than this share of a processor is disturbed. */
export const tolerance = 0.05;

/** Doubts the figures when most of their rounds were disturbed. */
export function doubtIfDisturbed({ doubt }: Context, { kept, disturbed }: Rounds<unknown>): void {
  if (disturbed > kept.length / 2) doubt(`others disturbed ${disturbed} of ${kept.length} rounds`);
}

export async function measureWindow(
  { pid }: Proxy,
  run: () => Promise<Load>,
): Promise<{ measured: Window; disturbance: number }> {
  const [ticks, cpu] = [readTicks(), cpuSeconds(pid)];
  const { requests, seconds, failed, p50Ms, p99Ms } = await run();
  const used = cpuSeconds(pid) - cpu;
  return {
    measured: {
      perSecond: requests / seconds,
      p50Ms,
      p99Ms,
      failed,
      cpuUs: (used / requests) * 1e6,
      busy: used / seconds,
      rssMb: rssBytes(pid) / 1e6,
    },
    disturbance: disturbanceBetween(ticks, readTicks()),
  };
}

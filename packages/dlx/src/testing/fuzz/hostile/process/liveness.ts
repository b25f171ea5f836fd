import { setTimeout as sleep } from 'node:timers/promises';
import type { DlxProcess } from './dlx-process.ts';

/** A process answers within so long, however busy the machine is. */
export const hangMs = 60_000;
const runawayBytes = 2 ** 31;

/** Asks it whether it is ready. Undefined: it said something; else the milliseconds of CPU time that it spent meanwhile. */
export async function spentInVain(dlx: DlxProcess, hangCpuMs: number, stop: AbortSignal): Promise<number | undefined> {
  const beginSeconds = dlx.cpuSeconds();
  const spentMs = (): number => Math.round((dlx.cpuSeconds() - beginSeconds) * 1000);
  const answer = dlx.ask('/readyz', hangMs);
  let done = false;
  void answer.then(() => (done = true));
  while (!done && !dlx.crashed && !stop.aborted) {
    // Sooner, before it fills the machine.
    if (spentMs() > hangCpuMs || dlx.rssBytes() > runawayBytes) return spentMs();
    await Promise.race([answer, sleep(100)]);
  }
  if (dlx.crashed || (await answer) !== undefined) return dlx.crashed ? spentMs() : undefined;
  // It may have broken off because the process is about to be gone.
  await Promise.race([dlx.exited, sleep(2000)]);
  return spentMs();
}

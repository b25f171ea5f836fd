import { setTimeout as sleep } from 'node:timers/promises';
import type { Ground, Scenario } from '../scenario.ts';
import type { Described, Mode } from '../site/workloads.ts';
import { appNamespace, findingsOf, runCycles, startUnderLoad } from './under-load.ts';

const workloads = 20;
const cycles = Number(process.env['CYCLES'] ?? 200);
const newRps = 50;
const settle = '3s';

/** All of them in one mode, in parallel. */
function cyclesOf(mode: Mode): Scenario {
  return {
    name: `cycles-${mode}`,
    doc: `${cycles} park/wake cycles in ${mode} over ${workloads} workloads at ${newRps} new connections per second, kube-proxy frozen at random`,
    limitMs: 900_000,
    async run(ground) {
      await ground.product({ scaler: { options: { settle } }, autoscaler: { settings: { maxParks: 20 } } });
      if (!ground.kit) ground.leaveOut('kube-proxy is not frozen meanwhile, for nothing here can');
      const namespace = await ground.namespace(appNamespace);
      const all = Array.from({ length: workloads }, (_, i): Described => ({
        namespace,
        name: `${mode}-${i + 1}`,
        mode,
      }));
      await startUnderLoad(ground, all, { fresh: newRps / workloads, kept: 1 });
      const stop = new AbortController();
      const frozen = freezeAtRandom(ground, stop.signal);
      const each = Math.ceil(cycles / workloads);
      const reports = await runCycles(ground, all, each);
      stop.abort();
      ground.log(`kube-proxy was frozen ${await frozen} times`);
      return findingsOf(ground, mode, reports, each * workloads);
    },
  };
}

export const cyclesInSelector = cyclesOf('selector');
export const cyclesInOverlay = cyclesOf('overlay');
export const cyclesInAlways = cyclesOf('always');

/** Frozen for a second, again and again; resolves with how often. */
async function freezeAtRandom({ kit }: Ground, signal: AbortSignal): Promise<number> {
  let times = 0;
  while (kit && !signal.aborted) {
    await sleep(1_000 + Math.random() * 7_000);
    if (signal.aborted) break;
    await kit.freeze('kube-proxy', 1);
    times += 1;
  }
  return times;
}

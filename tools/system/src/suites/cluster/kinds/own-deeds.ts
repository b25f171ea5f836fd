import { type Finding, tried } from '../../../harness/report.ts';
import type { Ground } from '../scenario.ts';
import { askAutoscaler, explained } from '../site/apps.ts';
import { diversionOf, eventsOf, phaseOf, readWorkload, tracesOn, untilPhase } from '../site/seen.ts';
import { askOnce, type Described, putToSleep, setIdle, urlOf } from '../site/workloads.ts';

// The features that every kind of workload has, on one of a kind that an option names.

/** The object itself has the Events. */
export function hasEvents(ground: Ground, one: Described, kind: string): Promise<Finding> {
  return tried(`an Event on the ${kind}`, 'Parked and WokenUp', async () => {
    const events = await eventsOf(ground, one, `,involvedObject.kind=${kind}`);
    const reasons = events.map((text) => text.split(':')[0] ?? '');
    for (const reason of ['Parked', 'WokenUp']) if (!reasons.includes(reason)) throw new Error(reasons.join(', '));
    return [...new Set(reasons)].join(', ');
  });
}

/** A busy lease keeps it awake, is explained, and ends. */
export function keptBusy(ground: Ground, one: Described): Promise<Finding> {
  return tried('a busy lease', 'awake until its end, then parked', async () => {
    await askAutoscaler('PUT', `/busy/${one.namespace}/${one.name}?ttl=10m`);
    await setIdle(ground, [one]);
    const said = await explained(one, /busy/i, 30_000);
    const phase = phaseOf(await readWorkload(ground, one));
    if (phase !== 'awake') throw new Error(`it is ${phase}`);
    await askAutoscaler('DELETE', `/busy/${one.namespace}/${one.name}`);
    await untilPhase(ground, [one], 'asleep');
    return said;
  });
}

/** An idle workload in a dry run is explained, and left alone. */
export function dryRun(ground: Ground, one: Described): Promise<Finding> {
  return tried('a dry run', 'explained, and not begun', async () => {
    await setIdle(ground, [one]);
    const said = await explained(one, /dry run/i, 40_000);
    const { metadata, spec } = await readWorkload(ground, one);
    const diverted = await diversionOf(ground, one);
    if (spec?.replicas !== 1 || phaseOf({ metadata }) !== undefined || diverted.length > 0)
      throw new Error(`${spec?.replicas} replicas, ${phaseOf({ metadata })}, ${diverted.join(', ')}`);
    return said;
  });
}

/** A sleeper whose image cannot be pulled: the answer says so. `spoil` takes its image away. */
export function hopeless(ground: Ground, one: Described, spoil: () => Promise<unknown>): Promise<Finding> {
  return tried('an image that cannot be pulled', 'a 503 that says so', async () => {
    await putToSleep(ground, [one]);
    await spoil();
    const { ask } = await ground.client();
    const { status, text, ms } = await ask({ protocol: 'get', url: urlOf(one), timeoutMs: 70_000 });
    if (status !== 503 || !/wake-failed.*Image/s.test(text)) throw new Error(`${status} after ${ms} ms: ${text}`);
    return `after ${ms} ms: ${(JSON.parse(text) as { detail: string }).detail}`;
  });
}

/** `helm uninstall` with these asleep. */
export function uninstalled(ground: Ground, sleepers: readonly Described[]): Promise<Finding> {
  return tried('helm uninstall while asleep', 'awake, nothing diverted, nothing of ours', async () => {
    await putToSleep(ground, sleepers);
    await ground.uninstall();
    for (const one of sleepers) {
      const workload = await readWorkload(ground, one);
      const replicas = workload.spec?.replicas;
      const left = [...tracesOn(workload), ...(await diversionOf(ground, one))];
      if (replicas !== 1 || left.length > 0) throw new Error(`${one.name}: ${replicas} replicas, ${left.join(', ')}`);
      const { ok, text } = await askOnce(ground, one);
      if (!ok) throw new Error(`${one.name}: ${text}`);
    }
    return `${sleepers.length} awake, and they answer`;
  });
}

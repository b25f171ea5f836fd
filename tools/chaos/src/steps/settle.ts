import { fleet, keyOf } from '../world/fleet.ts';
import { patchWorkload, scaleDlx } from './by-others.ts';
import type { Stage } from './stage.ts';
import { noIntent } from './declare-intent.ts';

const slices = 80;
const sliceMs = 3_000;
/** Long enough for another try of a wake that failed again and again, for a pod to start, and for a slow answer. */
const answerSlices = 7;

/** Ends all faults, brings every program back, and lets time pass: each resource must converge, and then answer. */
export async function settle({ world, faults, frozen }: Stage): Promise<void> {
  const { judge, metrics, vetoes } = world;
  faults.endAll();
  for (const thaw of [...frozen.values()]) await thaw();
  metrics.down(false);
  for (const member of fleet) {
    metrics.set(keyOf(member), 'truth');
    vetoes.set(keyOf(member), 'yes');
    patchWorkload(world, member, { metadata: { labels: { 'scaler/enabled': 'true' }, annotations: noIntent } });
  }
  scaleDlx(world, 2);
  for (const { sandbox } of world.programs) sandbox.wrongByMs = 0;
  const open = new Set(fleet.map(keyOf));
  for (let i = 0; i < slices && open.size > 0 && judge.violation === undefined; i++) {
    await world.pass(sliceMs);
    const notConverged = judge.notConverged();
    for (const key of [...open]) if (!notConverged.some((text) => text.startsWith(`${key}:`))) open.delete(key);
  }
  if (open.size > 0) judge.report('everything converges', judge.notConverged().join('; '));
  // Until every kube-proxy has the routing, and the requests that are held were released.
  await world.pass(sliceMs);
  for (let i = 0; i < answerSlices && world.traffic.open.size > 0; i++) await world.pass(sliceMs);
  for (const { id, key, backend } of world.traffic.open)
    judge.report('no request lost', `request ${id} to ${key} by ${backend} has no answer after everything has settled`);
  const asked = fleet.map((member) => world.traffic.send(member, 0));
  await world.pass(10_000);
  for (const { key, result, detail, backend } of asked)
    if (result !== '200')
      judge.report(
        'everything converges',
        `${key} answers ${result ?? 'nothing'} by ${backend} after everything has settled ${detail}`,
      );
}

import { reportsOf, startFlows } from '../site/flows.ts';
import { all, atLeast, type Finding, none, shown, sum } from '../../../harness/report.ts';
import { inProduct, rolledOut } from '../site/apps.ts';
import type { FlowReport } from '../site/client.ts';
import { allWake } from '../nodes.ts';
import type { Scenario } from '../scenario.ts';
import { untilPhase, untilRestored } from '../site/seen.ts';
import { createWorkloads, type Described, ofEachMode, putToSleep, setIdle } from '../site/workloads.ts';
import { generate } from './generate.ts';
import { perform, type Stage } from './perform.ts';
import { openWitness, type Witness } from './witness.ts';

const seed = Number(process.env['CHAOS_SEED'] ?? 1);
const length = Number(process.env['CHAOS_STEPS'] ?? 40);
const only = process.env['CHAOS_ONLY']?.split(',').map(Number);
const busyRps = 5;
/** A killed DLX is in the Services for so long, and what it had taken in was lost with it. */
const killedMs = 6_000;

export const chaos: Scenario = {
  name: 'chaos',
  doc: `${length} steps of seed ${seed}: faults, edits, lies and requests in any order, and what must hold all the while`,
  limitMs: 240_000 + length * 15_000,
  async run(ground) {
    await ground.product({ scaler: { options: { settle: '3s' } } });
    if (!ground.kit) ground.leaveOut("steps that freeze and restart Kubernetes' own programs, which nothing here can");
    const client = await ground.client();
    const namespace = await ground.namespace();
    const fleet = ofEachMode(namespace, 3);
    const busy = (['selector', 'overlay'] as const).map((mode): Described => ({
      namespace,
      name: `${mode}-busy`,
      mode,
    }));
    await createWorkloads(ground, [...fleet, ...busy]);
    await untilPhase(ground, busy, 'awake');
    await setIdle(ground, busy, false);
    for (const one of busy) await startFlows(ground, one, { fresh: busyRps, kept: 0 });
    await putToSleep(ground, fleet, 120_000);
    const witness = await openWitness(ground, namespace, new Set(busy.map(({ name }) => name)));
    const stage: Stage = { ground, client, fleet: [...fleet, ...busy], asked: [], killsMs: [], pending: [] };
    await play(stage);
    const rest = await settle(stage, fleet, busy);
    await witness.close();
    for (const text of witness.broken) ground.log(`BROKEN ${text}`);
    const lost = await lossOf(stage, await reportsOf(ground, busy));
    const findings = [none('broken invariants', witness.broken.length), ...lost, ...rest, ...inVain(witness)];
    if (findings.some(({ good }) => !good))
      ground.log(`again: npm run chaos -- --cluster --seed ${seed} --steps ${length}`);
    return findings;
  },
};

async function play(stage: Stage): Promise<void> {
  const { ground, fleet } = stage;
  for (const [index, step] of generate(seed, length, fleet.length).entries()) {
    if (only !== undefined && !only.includes(index)) continue;
    ground.signal.throwIfAborted();
    ground.log(`${new Date().toISOString()} step ${index} ${JSON.stringify(step)}`);
    await perform(stage, step);
  }
  await Promise.all(stage.pending);
}

/** All faults end, and everything comes to be whole: asleep, awake when it is asked for, and its Service its own again. */
async function settle(
  { ground, fleet }: Stage,
  sleepers: readonly Described[],
  busy: readonly Described[],
): Promise<Finding[]> {
  await inProduct('scale', 'deployment/scaler-dlx', '--replicas=2');
  for (const app of ['dlx', 'autoscaler'] as const) await rolledOut(app, 120);
  for (const { namespace, name } of fleet)
    await ground.kubectl(['-n', namespace, 'label', '--overwrite', 'deployment', name, 'scaler/enabled=true']);
  await setIdle(ground, busy, false);
  // Cancelled parks are tried ever more rarely.
  await putToSleep(ground, sleepers, 240_000);
  await setIdle(ground, sleepers, false);
  const woken = await allWake(ground, sleepers, 'at the end');
  const own = fleet.filter(({ mode }) => mode !== 'always');
  await untilPhase(ground, own, 'awake', 60_000);
  for (const one of own) await untilRestored(ground, one, 60_000);
  return [woken, all('Services whole at the end', own.length, own.length)];
}

async function lossOf({ ground, asked, killsMs }: Stage, flows: readonly FlowReport[]): Promise<Finding[]> {
  const ends = await Promise.all(
    asked.map(async ({ member, sentMs, answer }) => {
      const { ok, text, ms } = await answer;
      return { ok, sentMs, endedMs: sentMs + ms, text: `${member.name}: after ${ms} ms ${text}` };
    }),
  );
  const busy = flows.flatMap(({ errors }) =>
    errors.map(({ at, text }) => ({ sentMs: Date.parse(at), endedMs: Date.parse(at), text: `busy: ${at} ${text}` })),
  );
  const failed = [...ends.filter(({ ok }) => !ok), ...busy];
  const isExcused = ({ sentMs, endedMs }: { sentMs: number; endedMs: number }): boolean =>
    killsMs.some((killMs) => sentMs < killMs + killedMs && endedMs >= killMs);
  const lost = failed.filter((one) => !isExcused(one));
  for (const { text } of lost.slice(0, 10)) ground.log(text);
  const sent = ends.length + sum(flows, (flow) => flow.sent);
  ground.count(sent, lost.length);
  const excused = failed.length - lost.length;
  return [
    none(`lost of ${sent}`, lost.length),
    shown('lost with a DLX that was killed', `${excused}, of ${killsMs.length}`),
  ];
}

function inVain({ seen: { parks, cancelled, wakes } }: Witness): Finding[] {
  return [atLeast('parks', parks, 5), shown('parks cancelled', String(cancelled)), atLeast('wakes', wakes, 5)];
}

import { fleet, keyOf, type Member } from '../world/fleet.ts';
import { type Program, systemNamespace } from '../world/programs.ts';
import type { World } from '../world/world.ts';
import { addApiFault, agentOf, createFaults } from './api-faults.ts';
import { patch, patchWorkload, scale, scaleDlx } from './by-others.ts';
import { interleave } from './interleave.ts';
import { settle } from './settle.ts';
import type { Stage } from './stage.ts';
import type { Step, StepKind } from './step.ts';
import { declareIntent } from './declare-intent.ts';

type Perform = (stage: Stage, step: Step) => Promise<void> | void;
type Performers = { readonly [K in StepKind]: (stage: Stage, step: Step & { do: K }) => Promise<void> | void };

/** Performs steps in a world. */
export function createPerform(world: World): (step: Step) => Promise<void> {
  const stage: Stage = { world, faults: createFaults(world), frozen: new Map(), restarting: false };
  return async (step) => {
    world.counts.add(`step ${step.do}`);
    await (performers[step.do] as Perform)(stage, step);
    await world.activity.rest();
    world.judge.look();
  };
}

const memberOf = ({ r }: { r: number }): Member => fleet[r % fleet.length] as Member;

const performers: Performers = {
  pass: ({ world }, { ms }) => world.pass(ms),
  request: ({ world }, step) => {
    for (let i = 0; i < step.count; i++) world.traffic.send(memberOf(step), step.node);
  },
  traffic: async ({ world }, step) => {
    const endMs = world.timeline.ms + step.forMs;
    for (let node = 0; world.timeline.ms < endMs && world.judge.violation === undefined; node++) {
      world.traffic.send(memberOf(step), node);
      await world.pass(Math.min(step.everyMs, endMs - world.timeline.ms));
    }
  },
  'wake-all': ({ world }) => {
    for (const member of fleet) world.traffic.send(member, 0);
  },
  metric: ({ world }, step) => {
    world.metrics.set(keyOf(memberOf(step)), step.mode);
    world.counts.add(`metric ${step.mode}`);
  },
  truth: ({ world }) => {
    for (const member of fleet) world.metrics.set(keyOf(member), 'truth');
  },
  'metrics-down': ({ world }, { forMs }) => {
    world.metrics.down(true);
    world.timeline.clock.after(forMs, () => world.metrics.down(false));
  },
  'api-fault': ({ world, faults }, step) => addApiFault(world, faults, step),
  'cut-watches': ({ world }, { app }) => {
    const handle = world.cluster.api.faults.add({
      ...{ verb: 'watch', userAgent: agentOf(app), action: { type: 'cutWatch' } },
    });
    world.counts.add('watches cut', handle.hits);
    handle.remove();
  },
  'stale-watches': ({ faults }, { app, lagMs, forMs }) =>
    faults.add(
      'stale watches',
      { verb: 'watch', userAgent: agentOf(app), action: { type: 'staleWatch', ms: lagMs } },
      forMs,
    ),
  'freeze-watches': ({ faults }, { app, forMs }) =>
    faults.add('frozen watches', { verb: 'watch', userAgent: agentOf(app), action: { type: 'freezeWatch' } }, forMs),
  'restart-api': (stage, { downMs }) => {
    const { world } = stage;
    // An API that is restarting already cannot be restarted.
    if (stage.restarting) return;
    stage.restarting = true;
    const calm = world.disturb();
    void world.cluster.api.restart({ downMs }).then(() => {
      stage.restarting = false;
      calm();
    });
  },
  'clock-jump': ({ world }, { app, ms }) => {
    const [program] = world.alive(app);
    if (program === undefined) return;
    program.sandbox.wrongByMs += ms;
    program.clockJumped = true;
  },
  kill: ({ world }, { app }) => kill(world, world.alive(app)[0]),
  'kill-at-write': killAtWrite,
  'freeze-leader': freezeLeader,
  drain: ({ world }, { app }) => {
    const [program] = world.alive(app);
    if (program === undefined) return;
    world.counts.add(`${app} drained`);
    world.cluster.api.store.delete('v1/pods', systemNamespace, program.pod);
  },
  'dlx-count': ({ world }, { count }) => {
    scaleDlx(world, count);
  },
  interleave: ({ world, faults }, step) => interleave(world, faults, memberOf(step), step.what),
  scale: ({ world }, step) => void scale(world, memberOf(step), step.replicas),
  'roll-out': ({ world }, step) => {
    const member = memberOf(step);
    const restartedAt = String(Math.round(world.timeline.ms));
    patchWorkload(world, member, { spec: { template: { metadata: { annotations: { restartedAt } } } } });
    // Without a preStop pause any rollout loses some connections; a StatefulSet's takes a pod away before it starts the
    // next.
    if (member.preStopSeconds === 0 || member.kind === 'StatefulSet') world.byOthers(member);
  },
  'strip-key': ({ world }, step) => {
    const { namespace, name } = memberOf(step);
    patch(world, 'v1/services', namespace, name, { spec: { selector: { 'scaler/asleep': null } } });
  },
  'edit-service': ({ world }, step) => {
    const { namespace, name } = memberOf(step);
    const edited = String(Math.round(world.timeline.ms));
    patch(world, 'v1/services', namespace, name, { metadata: { annotations: { edited } } });
  },
  'recreate-service': async ({ world }, step) => {
    const { namespace, name } = memberOf(step);
    world.byOthers(memberOf(step));
    const { store } = world.cluster.api;
    if (store.find('v1/services', namespace, name) !== undefined) store.delete('v1/services', namespace, name);
    await world.pass(500);
    await world.cluster.service(namespace, name, { port: 80, targetPort: 8080, portName: 'http' });
    world.byOthers(memberOf(step));
  },
  opt: ({ world }, step) => {
    patchWorkload(world, memberOf(step), { metadata: { labels: { 'scaler/enabled': step.in ? 'true' : 'false' } } });
  },
  intent: ({ world }, step) => declareIntent(world, memberOf(step), step),
  veto: ({ world }, step) => world.vetoes.set(keyOf(memberOf(step)), step.answer),
  'proxy-lag': ({ world }, { ms }) => {
    world.cluster.proxy.lagMs = ms;
  },
  settle: (stage) => settle(stage),
};

function kill(world: World, program: Program | undefined): void {
  if (program === undefined) return;
  world.counts.add(`${program.app} killed`);
  world.cluster.kill(systemNamespace, program.pod);
}

function killAtWrite({ world, faults }: Stage, { app, write }: Step & { do: 'kill-at-write' }): void {
  let left = write;
  const hook = ({ user, resource }: { user: string; resource: string }, phase: 'before' | 'after'): void => {
    if (phase === 'before' || resource === 'leases' || resource === 'events' || --left !== 0) return;
    const victim = world.alive(app).find(({ id }) => id === user);
    world.counts.add('killed at a write', victim === undefined ? 0 : 1);
    kill(world, victim);
  };
  const verb = ['create', 'update', 'patch', 'delete'] as const;
  faults.add('', { verb, userAgent: agentOf(app), action: { type: 'hook', hook } }, 30_000);
}

async function freezeLeader(stage: Stage, { forMs, hearsFirst }: Step & { do: 'freeze-leader' }): Promise<void> {
  const { world, frozen } = stage;
  const leader = world.alive('autoscaler').find(({ id }) => id === world.judge.leaders.holder);
  if (leader === undefined || leader.sandbox.frozen) return;
  const { changes } = world.judge.leaders;
  const calm = world.disturb();
  leader.sandbox.freeze();
  world.counts.add('leader frozen');
  frozen.set(leader, async () => {
    frozen.delete(leader);
    leader.thawedMs = world.timeline.ms;
    if (world.judge.leaders.changes > changes) world.counts.add('two leaders for a moment');
    leader.sandbox.thaw();
    // The messages that came in meanwhile are read before its timers know how late it is, or after.
    if (hearsFirst) await world.activity.rest();
    world.timeline.thaw(leader.sandbox);
    calm();
  });
  await world.pass(forMs);
  await frozen.get(leader)?.();
}

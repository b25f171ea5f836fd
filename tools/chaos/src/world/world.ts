import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedCluster, type KubeObject, startEmbeddedCluster } from '@scaler/testing-kit/kubernetes';
import { workloadManifestOf } from './manifests.ts';
import { createCounts, type Counts } from '../counts.ts';
import { createJudge } from '../judge/judge.ts';
import type { Scene } from '../judge/scene.ts';
import { notConvergedReason } from '../judge/convergence.ts';
import { createRandom } from '../random.ts';
import { type Activity, createActivity } from '../sim/activity.ts';
import { installSandboxes } from '../sim/sandbox.ts';
import { createTimeline, type Timeline } from '../sim/timeline.ts';
import { createAppImage } from './app-image.ts';
import { fleet, keyOf, type Member } from './fleet.ts';
import type { Simulation } from './simulation.ts';
import { createFleetMetrics } from './metrics.ts';
import {
  type App,
  createProgramImage,
  deployPrograms,
  type Program,
  type ProgramParts,
  systemNamespace,
} from './programs.ts';
import { createTraffic } from './traffic.ts';
import { createVetoes } from './vetoes.ts';

/** One simulated cluster with the fleet, both programs and the checks of the invariants. */
export type World = Awaited<ReturnType<typeof startWorld>>;

export interface WorldOptions {
  readonly seed: number;
  readonly counts?: Counts;
  readonly onLog?: (program: string, level: string, message: string, fields: object) => void;
}

const lookEveryMs = 1_000;
const digestMs = 10_000;
const slowestProxyMs = 2_500;
// Below the ports that clients get, so that the port is still free when the API comes back; one address for each
// process.
const apiAddress = { host: `127.230.${(process.pid >> 8) & 255}.${process.pid & 255}`, port: 6_443 };
const podsUpMs = 4_000;
/** The message that the leader logs when it gives way to another writer; `leftMs`: for how long. */
const takenBack = 'What was written has been taken back';
const afterwardsMs = 90_000;

export async function startWorld({ seed, counts = createCounts(), onLog }: WorldOptions) {
  const random = createRandom(seed ^ 0x5eed);
  // The product's own randomness: pauses between tries, mostly.
  const { random: machineRandom } = Math;
  Math.random = () => random.next();
  const activity = createActivity();
  installSandboxes(activity.note);
  const timeline = createTimeline(activity);
  const folder = await mkdtemp(join(tmpdir(), 'scaler-chaos-'));
  const programs: Program[] = [];
  const givenWay = new Map<string, number>();
  const vetoes = createVetoes(timeline, counts);
  const programParts: ProgramParts = {
    ...{ timeline, activity, folder, programs },
    api: () => cluster.api,
    onLog: (program, level, message, fields) => {
      onLog?.(program, level, message, fields);
      const { resource, leftMs } = fields as { resource?: string; leftMs?: number };
      if (message !== takenBack || resource === undefined || leftMs === undefined || leftMs === 0) return;
      givenWay.set(resource, timeline.ms + leftMs + afterwardsMs);
      counts.add('given way to others');
    },
  };
  const onRequest = (key: string, id: number): void => {
    metrics.arrived(key);
    traffic.reached(id);
  };
  const cluster = await startEmbeddedCluster({
    clock: timeline.clock,
    images: {
      app: createAppImage({ timeline, activity }, onRequest, vetoes.ask),
      'scaler/dlx': createProgramImage('dlx', programParts),
      'scaler/autoscaler': createProgramImage('autoscaler', programParts),
    },
    proxyLagMs: 300,
    controllerLagMs: 20,
    nodeLagMs: 20,
    startDelayMs: 100,
    backOffMs: 2_000,
    api: { ...apiAddress, seed, bookmarkIntervalMs: 25_000, auditSize: 3_000, historyWindow: 5_000 },
  });
  const { store, audit } = cluster.api;
  const simulation: Simulation = { cluster, timeline, activity, random, counts };
  const nodes = [cluster.proxy, await cluster.addProxy({ lagMs: 700 })];
  const metrics = createFleetMetrics(cluster.api.metrics, timeline);
  const traffic = createTraffic(simulation, nodes, (sent) => judge.ended(sent));
  const others = new Map<string, number>();
  const health = createHealth(cluster, timeline, programs, () => judge.leaders.holder);
  const scene: Scene = {
    ...{ timeline, store, audit, metrics, traffic, vetoes, programs, counts, health, nodes: nodes.length },
    givesWay: (member) => timeline.ms < (givenWay.get(keyOf(member)) ?? -Infinity),
    othersMs: (member) => others.get(keyOf(member)) ?? -Infinity,
  };
  const judge = createJudge(scene, () => health.touch());
  cluster.api.faults.add({ verb: ['patch', 'get'], action: { type: 'hook', hook: judge.hook } });
  for (const member of fleet) {
    await cluster.apply(workloadManifestOf(member));
    await cluster.service(member.namespace, member.name, { port: 80, targetPort: 8080, portName: 'http' });
  }
  await timeline.advance(podsUpMs);
  await deployPrograms(cluster);
  const digest = createDigest(scene, others);
  return {
    ...simulation,
    ...{ metrics, traffic, vetoes, programs, judge, disturb: health.disturb },
    /** Another client changed something that costs a resource its routing or its pods. */
    byOthers: (member: Member): void => void others.set(keyOf(member), timeline.ms),
    /** Programs that run now, the longest running first. */
    alive: (app: App): readonly Program[] =>
      programs.filter((one) => one.app === app && one.endedMs === undefined && !one.stopping),
    /** Lets time pass, and checks the invariants again and again. Ends early at the first violation. */
    pass: async (ms: number): Promise<void> => {
      const endMs = timeline.ms + ms;
      while (timeline.ms < endMs && judge.violation === undefined) {
        await timeline.advance(Math.min(lookEveryMs, endMs - timeline.ms));
        health.touch();
        digest();
        judge.look();
      }
    },
    close: async (): Promise<void> => {
      judge.close();
      traffic.close();
      for (const { sandbox } of programs) sandbox.kill();
      await closeCluster(cluster, timeline, activity);
      activity.close();
      Math.random = machineRandom;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A change by another client is over once the resource has been whole for as long as a kube-proxy takes to get the
 * routing.
 */
function createDigest(scene: Scene, others: Map<string, number>): () => void {
  const { timeline } = scene;
  const wholeSince = new Map<string, number>();
  return () => {
    for (const member of fleet) {
      const key = keyOf(member);
      const changedMs = others.get(key);
      if (changedMs === undefined) continue;
      if (notConvergedReason(scene, member) !== undefined) wholeSince.delete(key);
      else if (!wholeSince.has(key)) wholeSince.set(key, timeline.ms);
      const sinceMs = Math.max(changedMs + digestMs, wholeSince.get(key) ?? Infinity);
      if (timeline.ms - sinceMs > slowestProxyMs) others.delete(key);
    }
  };
}

function createHealth(
  { api }: EmbeddedCluster,
  timeline: Timeline,
  programs: readonly Program[],
  holder: () => string,
) {
  let disturbances = 0;
  let disturbedMs = 0;
  let withoutDlxMs = 0;
  const dlx = (): readonly string[] =>
    (api.store.list('v1/pods', { namespace: systemNamespace, labelSelector: 'app=dlx' }).items as Pod[])
      .filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && isReady(status))
      .map(({ status }) => status?.podIP ?? '');
  /** Checks whether a disturbance is going on now. */
  const touch = (): void => {
    const leader = programs.find(({ id }) => id === holder());
    const led = leader !== undefined && leader.endedMs === undefined && !leader.sandbox.frozen && !leader.stopping;
    if (disturbances > 0 || !led) disturbedMs = timeline.ms;
    if (dlx().length === 0) withoutDlxMs = timeline.ms;
  };
  return {
    touch,
    /** Begins a disturbance, which lasts until the returned function is called. */
    disturb: (): (() => void) => {
      disturbances += 1;
      let lasts = true;
      touch();
      return () => {
        if (!lasts) return;
        touch();
        disturbances -= 1;
        lasts = false;
      };
    },
    get disturbedMs() {
      touch();
      return disturbedMs;
    },
    get withoutDlxMs() {
      touch();
      return withoutDlxMs;
    },
    get dlx() {
      return dlx();
    },
  };
}

type Pod = KubeObject & {
  status?: { podIP?: string; conditions?: { type: string; status: string }[] };
};

function isReady(status: Pod['status']): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}

/** Its nodes wait for their processes in the simulation's time, which has to go on meanwhile. */
async function closeCluster(cluster: EmbeddedCluster, timeline: Timeline, activity: Activity): Promise<void> {
  let closed = false;
  const closing = cluster.close().finally(() => (closed = true));
  while (!closed) {
    await timeline.advance(1_000);
    await activity.rest();
  }
  await closing;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@scaler/command';
import { kinds } from '@scaler/kube';
import { all, atLeast, atMost, each, type Finding, none } from '../../harness/report.ts';
import type { Answer } from './site/client.ts';
import { inProduct, podsOf, rolledOut } from './site/apps.ts';
import { productNamespace } from './site/install.ts';
import { hold, startLoad } from './site/load.ts';
import type { Ground, Scenario } from './scenario.ts';
import { phaseOf, readWorkload, untilPhase } from './site/seen.ts';
import { askOnce, createAsleep, type Described, ofEachMode } from './site/workloads.ts';

/** The client's pods are on the first node, so that the second may go. */
const second = ({ nodes }: Ground): string => nodes[1] ?? '';

export const drain: Scenario = {
  name: 'drain',
  doc: 'a node is drained while the DLX on it holds requests: they are answered, and nothing else is lost',
  nodes: 2,
  async run(ground) {
    await ground.product();
    const endLoad = await startLoad(ground);
    const { pods, answered } = await hold(ground);
    const node = second(ground);
    const there = await podsOf('dlx', `spec.nodeName=${node}`);
    ground.log(`DLX on ${node}: ${there.join(', ')}`);
    ground.later(() => ground.kubectl(['uncordon', node]));
    await ground.kubectl(['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--timeout=120s']);
    const findings = await answered();
    const drained = there.filter((pod) => pods.includes(pod)).length;
    return [
      all('DLX pods on it, of two', there.length, 1),
      atLeast('DLX pods that were drained while holding', drained, 1),
      ...findings,
      ...(await endLoad()),
    ];
  },
};

/** An answer, and when it was asked for, on the process's monotonic clock. */
interface Asked {
  readonly answer: Answer;
  readonly atMs: number;
}

/** Workloads that park as soon as they can, asked at random moments, `pauseMs` after the answer before and up to `spreadMs` later. */
async function askAtRandom(
  ground: Ground,
  workloads: readonly Described[],
  until: AbortSignal,
  { pauseMs, spreadMs } = { pauseMs: 2_000, spreadMs: 13_000 },
): Promise<Asked[]> {
  const answers: Asked[] = [];
  const askAgain = async (one: Described): Promise<void> => {
    while (!until.aborted) {
      await sleep(pauseMs + Math.random() * spreadMs);
      ground.signal.throwIfAborted();
      const atMs = performance.now();
      answers.push({ atMs, answer: await askOnce(ground, one, { timeoutMs: 150_000 }) });
    }
  };
  await Promise.all(workloads.map(askAgain));
  return answers;
}

async function sleepers(ground: Ground, perMode: number): Promise<Described[]> {
  const made = ofEachMode(await ground.namespace(), perMode, { preStopSeconds: 6 });
  await createAsleep(ground, made, 150_000);
  return made;
}

export const frozenProxy: Scenario = {
  name: 'frozen-proxy',
  doc: "one node's kube-proxy is frozen for 4 s at a time through parks and wakes, with a settle of 5 s",
  nodes: 2,
  needsKit: true,
  async run(ground) {
    await ground.product({ scaler: { options: { settle: '5s' } } });
    const made = await sleepers(ground, 4);
    const end = AbortSignal.timeout(120_000);
    const asked = askAtRandom(ground, made, end);
    let times = 0;
    while (!end.aborted) {
      // The first node's, which the client's connections go through.
      await ground.kit?.freeze('kube-proxy', 4);
      times += 1;
      await sleep(1_000 + Math.random() * 4_000);
    }
    const answers = await asked;
    ground.log(`frozen ${times} times`);
    return [none(`lost of ${answers.length} at random moments`, answers.filter(({ answer }) => !answer.ok).length)];
  },
};

const cuts = Number(process.env['CUTS'] ?? 5);
/** From then on no new connection may be led to the node: 3 s, and one more in which the kit takes out the cable. */
const noticedMs = 4_000;

export const cut: Scenario = {
  name: 'cut',
  doc: 'a node is cut off for a minute, five times, while sleepers wake: what connects 3 s after it is answered',
  nodes: 2,
  needsKit: true,
  limitMs: 300_000 + cuts * 240_000,
  async run(ground) {
    await ground.product();
    const made = await sleepers(ground, 3);
    const asked: Asked[] = [];
    let early = 0;
    for (let i = 0; i < cuts; i++) {
      await leadFromFirst(ground);
      const beganMs = performance.now();
      const cutting = ground.kit?.cut(second(ground), 60);
      const all = await askAtRandom(ground, made, AbortSignal.timeout(60_000), { pauseMs: 100, spreadMs: 4_000 });
      await cutting;
      const late = all.filter(({ atMs }) => atMs - beganMs >= noticedMs);
      asked.push(...late);
      early += all.filter((one) => !late.includes(one) && !one.answer.ok).length;
      ground.log(`cut ${i + 1}: ${late.length} asked after it, lost ${late.filter(({ answer }) => !answer.ok).length}`);
      await untilPhase(ground, made, 'asleep', 120_000);
    }
    ground.log(`lost in the first seconds of ${cuts} cuts: ${early}`);
    const answers = asked.map(({ answer }) => answer);
    return [
      none(`lost of ${answers.length} that came 3 s after ${cuts} cuts`, answers.filter(({ ok }) => !ok).length),
      atMost('the slowest', Math.max(...answers.map(({ ms }) => ms)) / 1000, 130, 's'),
      await allWake(ground, made, 'afterwards'),
    ];
  },
};

/** The replica that leads is on the first node: one that is cut off itself has to lose its Lease before another one can act. */
async function leadFromFirst({ kube, nodes, log }: Ground): Promise<void> {
  const lease = { namespace: productNamespace, name: 'scaler-autoscaler' };
  await until('an autoscaler on the first node to lead', 120_000, async () => {
    const { spec } = await kube.get(kinds.lease, lease);
    const there = await podsOf('autoscaler', `spec.nodeName=${nodes[0] ?? ''}`);
    if (there.some((name) => spec?.holderIdentity?.includes(name) === true)) return true;
    const others = await podsOf('autoscaler', `spec.nodeName!=${nodes[0] ?? ''}`);
    log(`autoscaler ${others.join(', ')} goes, so that one on ${nodes[0] ?? ''} leads`);
    for (const pod of others) await inProduct('delete', 'pod', pod);
    await rolledOut('autoscaler', 60);
    return undefined;
  });
}

/** Each is asked once, at the same time. */
export async function allWake(ground: Ground, made: readonly Described[], when: string): Promise<Finding> {
  const answers = await Promise.all(made.map((one) => askOnce(ground, one)));
  return each(`sleep and wake ${when}`, answers, ({ ok }) => ok);
}

export const restartNodes: Scenario = {
  name: 'restart-nodes',
  doc: "everything sleeps while both nodes' kubelet and containerd are restarted: it sleeps on, and wakes",
  nodes: 2,
  needsKit: true,
  async run(ground) {
    await ground.product();
    const made = await sleepers(ground, 3);
    // In this order: a kubelet that does not find its containerd ends, and nothing here starts it again.
    for (const program of ['containerd', 'kubelet']) {
      await ground.kit?.restart(program);
      await ground.kit?.restart(`${program}@${second(ground)}`);
      await sleep(3_000);
    }
    await sleep(15_000);
    const phases = await Promise.all(made.map(async (one) => phaseOf(await readWorkload(ground, one))));
    const asleep = each('sleep on', phases, (phase) => phase === 'asleep');
    return [asleep, await allWake(ground, made, 'afterwards')];
  },
};

import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Client } from '../site/client.ts';
import { type App, inProduct, podsOf } from '../site/apps.ts';
import type { Ground } from '../scenario.ts';
import { type Described, urlOf } from '../site/workloads.ts';
import type { Step, StepKind } from './generate.ts';

/** A request, when it was under way, and how it ended. */
export interface Asked {
  readonly member: Described;
  readonly sentMs: number;
  readonly answer: Promise<Answer>;
}

/** The things that the steps of a script work on. */
export interface Stage {
  readonly ground: Ground;
  readonly client: Client;
  readonly fleet: readonly Described[];
  readonly asked: Asked[];
  /** When a DLX was killed: the requests that it had taken in were lost with it. */
  readonly killsMs: number[];
  /** The work that goes on beside further steps. */
  readonly pending: Promise<unknown>[];
}

type Performers = { readonly [K in StepKind]: (stage: Stage, step: Step & { do: K }) => Promise<unknown> | void };

/** Does a step; what freezes and restarts Kubernetes' own programs is left out where nothing here can. */
export async function perform(stage: Stage, step: Step): Promise<void> {
  await (performers[step.do] as (stage: Stage, step: Step) => Promise<unknown> | void)(stage, step);
}

const performers: Performers = {
  pass: (_, { ms }) => sleep(ms),
  ask: ({ client, asked, ...stage }, { protocol, count, ...step }) => {
    const member = memberOf(stage, step);
    const url = urlOf(member, protocol === 'grpc' ? 9090 : 80);
    for (let i = 0; i < count; i++) {
      asked.push({ member, sentMs: Date.now(), answer: client.ask({ protocol, url, timeoutMs: 150_000 }) });
    }
  },
  metric: ({ client, ...stage }, step) => {
    const { namespace, name } = memberOf(stage, step);
    return client.setMetric(namespace, name, step.value);
  },
  delete: (_, step) => removePod(step),
  kill: (stage, step) => {
    if (step.app === 'dlx') stage.killsMs.push(Date.now());
    return removePod(step, '--grace-period=0', '--force');
  },
  'roll-out': (_, { app }) => inProduct('rollout', 'restart', deploymentOf(app)),
  'dlx-count': (_, { count }) => inProduct('scale', deploymentOf('dlx'), `--replicas=${count}`),
  'restart-api': ({ ground }, { downSeconds }) => ground.kit?.restart('kube-apiserver', 'KILL', downSeconds),
  freeze: ({ ground, pending }, { program, seconds }) => {
    if (ground.kit) pending.push(ground.kit.freeze(program, seconds));
  },
  scale: (stage, step) => kubectl(stage, step, 'scale', 'deployment', `--replicas=${step.replicas}`),
  'roll-out-workload': (stage, step) => kubectl(stage, step, 'rollout', 'restart', 'deployment'),
  'edit-service': (stage, step) =>
    kubectl(stage, step, 'annotate', '--overwrite', 'service', `edited=${new Date().toISOString()}`),
  opt: (stage, step) =>
    kubectl(stage, step, 'label', '--overwrite', 'deployment', `scaler/enabled=${step.in ? 'true' : 'false'}`),
};

type Fleet = Pick<Stage, 'fleet'>;
const memberOf = ({ fleet }: Fleet, { r }: { r: number }): Described => fleet[r % fleet.length] as Described;
const deploymentOf = (app: App): string => `deployment/scaler-${app}`;

/** `kubectl VERB… KIND NAME [FLAGS AND SETTINGS…]` on a member's namespace. */
function kubectl(stage: Stage, step: { r: number }, ...args: string[]): Promise<string> {
  const { namespace, name } = memberOf(stage, step);
  const last = args.at(-1) ?? '';
  const named = last.includes('=') ? [...args.slice(0, -1), name, last] : [...args, name];
  return stage.ground.kubectl(['-n', namespace, ...named]);
}

async function removePod({ app, pod }: { app: App; pod: number }, ...flags: string[]): Promise<void> {
  const names = await podsOf(app);
  const name = names[pod % names.length];
  if (name !== undefined) await inProduct('delete', 'pod', name, '--wait=false', '--ignore-not-found', ...flags);
}

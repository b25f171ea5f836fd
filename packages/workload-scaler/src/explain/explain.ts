import type { PodInfo, ReplicaSetInfo, PodTrouble, PodWait } from '../endpoints/pod-info.ts';
import { rankOf, isHopeless } from './hopeless.ts';
import { isKubeError, kinds } from '@scaler/kube';
import type { Dependencies } from '../dependencies.ts';
import { type Explanation, resourceKey, type ResourceRef } from '@scaler/scaler-types';
import { podsOf } from '../endpoints/own-pods.ts';

/** What is known of a resource that should start. */
export interface ExplainFacts {
  readonly replicas: number;
  readonly pods: readonly PodInfo[];
  /** Those that should have pods. */
  readonly replicaSets: readonly ReplicaSetInfo[];
}

/** What stands in the way of a start. */
export interface Obstacle {
  readonly trouble: PodTrouble;
  /** All of it is stuck: no other pod may come up meanwhile. */
  readonly total: boolean;
  /** The uid of what it is about. Another pod, or another start, is another matter. */
  readonly subject: string;
}

/**
 * How far a start has come: it stands before an obstacle, waits for what should come (`quiet`, with the uids that Events
 * may tell more of), or has nothing in its way.
 */
export type Outlook =
  | { readonly kind: 'obstacle'; readonly obstacle: Obstacle }
  | { readonly kind: 'quiet'; readonly subjects: readonly string[]; readonly waits: PodInfo | undefined }
  | { readonly kind: 'clear' };

/** Looks for what keeps a resource from serving. Pure. */
export function lookOut(workloadUid: string, { replicas, pods, replicaSets }: ExplainFacts): Outlook {
  if (replicas === 0) return { kind: 'clear' };
  const present = pods.filter(({ terminating, phase }) => !terminating && phase !== 'Succeeded');
  // A failed pod is replaced; it tells only as long as it is alone.
  const standing = present.filter(({ phase }) => phase !== 'Failed');
  const alive = standing.length > 0 ? standing : present;
  if (alive.some(({ ready }) => ready)) return { kind: 'clear' };
  const refused = alive.length === 0 ? replicaSets.find(({ trouble }) => trouble !== undefined) : undefined;
  if (refused?.trouble !== undefined) {
    const subject = `${refused.uid}/${refused.generation}`;
    return { kind: 'obstacle', obstacle: { trouble: refused.trouble, total: true, subject } };
  }
  const [worst] = alive
    .flatMap(({ trouble, uid }) => (trouble === undefined ? [] : [{ trouble, uid }]))
    .sort((a, b) => rankOf(a.trouble) - rankOf(b.trouble));
  if (worst !== undefined) {
    const total = alive.every(({ trouble }) => trouble !== undefined);
    return { kind: 'obstacle', obstacle: { trouble: worst.trouble, total, subject: worst.uid } };
  }
  const subjects = alive.length > 0 ? alive.map(({ uid }) => uid) : [workloadUid];
  return { kind: 'quiet', subjects, waits: alive.find(({ waitsFor }) => waitsFor !== undefined) };
}

const plain: Readonly<Record<string, string>> = {
  ErrImagePull: 'its image cannot be pulled',
  ImagePullBackOff: 'its image cannot be pulled',
  ErrImageNeverPull: 'its image is not on the node and must not be pulled',
  InvalidImageName: 'the name of its image is wrong',
  CrashLoopBackOff: 'its container ends again and again',
  CreateContainerConfigError: 'a ConfigMap, Secret or key that it needs is missing',
  CreateContainerError: 'its container cannot be created',
  RunContainerError: 'its container cannot be started',
  OOMKilled: 'its container took more memory than it may',
  Error: 'its container failed',
  Completed: 'its container ended',
  Unschedulable: 'no node can take its pod',
  SchedulingGated: 'its pod may not be scheduled yet',
  FailedCreate: 'its pod is not allowed to be created',
  FailedMount: 'a volume of its pod cannot be mounted',
  FailedAttachVolume: 'a volume of its pod cannot be attached',
  FailedMapVolume: 'a volume of its pod cannot be mounted',
  FailedCreatePodSandBox: 'its pod cannot be set up on the node',
  Unhealthy: 'its pod runs, and its check does not pass',
  Evicted: 'its pod was put off the node',
};

/** One sentence of a trouble. */
export function sentenceOf({ reason, message, container }: PodTrouble): string {
  const what = plain[reason] ?? 'its pod does not start';
  const init = container?.init === true ? what.replace('its container', 'its init container') : what;
  const again = container !== undefined && container.restarts > 1 ? `, ${container.restarts} restarts` : '';
  const who = container && `${container.name}${container.exit === undefined ? '' : ` ${container.exit}`}${again}`;
  // Its own message tells of the back-off alone.
  const said = reason === 'CrashLoopBackOff' && container?.exit !== undefined ? undefined : message.trim();
  return sentence([init, who, said]);
}

const waitTexts: Record<PodWait['for'], string> = {
  init: 'has not finished yet',
  startup: 'runs, and its startup check does not pass yet',
  readiness: 'runs, and its readiness check does not pass yet',
};

/** One sentence of what a pod without trouble waits for. */
export function waitTextOf(pod: PodInfo, wait: PodWait): string {
  const what = wait.for === 'init' ? `Init container ${wait.container} of its pod ${pod.name}` : `Its pod ${pod.name}`;
  const before = wait.exit === undefined ? '' : `; ${wait.container} ${wait.exit} before`;
  return sentence([`${what} ${waitTexts[wait.for]}${before}`]);
}

function sentence(parts: readonly (string | undefined)[]): string {
  const text = parts.filter((part) => part !== undefined && part !== '').join(': ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

/** A held request is shown something new no later; nothing else asks. */
const everyMs = 2_000;
const forbiddenMs = 300_000;
/** Events are kept for an hour; one that goes on is written again. */
const currentMs = 300_000;
// The status tells these, as they are now and not as they were.
const inStatus: readonly string[] = ['BackOff', 'Failed', 'FailedScheduling'];

type Asked = { readonly atMs: number; readonly answer: Promise<PodTrouble | undefined> };

/** Warnings of the platform that no status repeats: failed checks, volumes that cannot be mounted, refused pods. */
export function createWarnings({ client, clock, logger }: Pick<Dependencies, 'client' | 'clock' | 'logger'>) {
  const asked = new Map<string, Asked>();
  let forbiddenUntilMs = 0;

  const read = async (namespace: string, uid: string, signal: AbortSignal): Promise<PodTrouble | undefined> => {
    try {
      const { items } = await client.list(kinds.event, {
        namespace,
        fieldSelector: `involvedObject.uid=${uid},type=Warning`,
        trim: ({ reason = '', message = '', series, lastTimestamp, eventTime, metadata }) => ({
          reason,
          message,
          at: String(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata?.creationTimestamp ?? ''),
        }),
        lane: 'bulk',
        signal,
      });
      const current = items.filter(({ at }) => !(clock.now() - Date.parse(at) > currentMs));
      const [last] = current.filter(({ reason }) => !inStatus.includes(reason)).sort((a, b) => (a.at < b.at ? 1 : -1));
      return last && { reason: last.reason, message: last.message };
    } catch (error) {
      if (!isKubeError(error)) throw error;
      if (error.code === 'forbidden') {
        forbiddenUntilMs = clock.monotonic() + forbiddenMs;
        logger.warn('Events must not be read, so some reasons why a resource does not start stay unknown', {
          err: error,
        });
      }
      return undefined;
    }
  };

  return {
    /** The last one about an object; undefined where there is none, or none may be read. */
    last: (namespace: string, uid: string, signal: AbortSignal): Promise<PodTrouble | undefined> => {
      const nowMs = clock.monotonic();
      if (nowMs < forbiddenUntilMs) return Promise.resolve(undefined);
      for (const [key, { atMs }] of asked) if (nowMs - atMs >= everyMs) asked.delete(key);
      const known = asked.get(uid);
      if (known !== undefined) return known.answer;
      const answer = read(namespace, uid, signal);
      asked.set(uid, { atMs: nowMs, answer });
      return answer;
    },
  };
}

/** Why a resource does not start; undefined when nothing stands in its way. */
export type Explain = (ref: ResourceRef, signal: AbortSignal) => Promise<Explanation | undefined>;

/** A start that goes on in silence is the normal course; only then are Events read. */
const quietMs = 1_000;
/** Pods of one resource whose Events are read. */
const mostSubjects = 3;

/** From the stores, and from Events where they are silent. */
export function createExplain(deps: Dependencies): Explain {
  const { lookup, stores, memory, options } = deps;
  const warnings = createWarnings(deps);

  const judge = (ref: ResourceRef, { trouble, total, subject }: Obstacle): Explanation => {
    const standingMs = memory.observe(`obstacle ${resourceKey(ref)}`, `${rankOf(trouble)} ${subject}`);
    const hopeless = total && isHopeless(trouble, standingMs, options.unschedulableAfterMs);
    return { hopeless, reason: trouble.reason, text: sentenceOf(trouble) };
  };

  const listen = async (
    ref: ResourceRef,
    { subjects, waits }: Extract<Outlook, { kind: 'quiet' }>,
    signal: AbortSignal,
  ): Promise<Explanation | undefined> => {
    const standingMs = memory.observe(`quiet ${resourceKey(ref)}`, subjects.join());
    const asked = standingMs < quietMs ? [] : subjects.slice(0, mostSubjects);
    const heard = await Promise.all(asked.map((uid) => warnings.last(ref.namespace, uid, signal)));
    const found = heard.flatMap((trouble, i): Obstacle[] => {
      const subject = asked[i] ?? '';
      return trouble === undefined ? [] : [{ trouble, total: subjects.length === 1, subject }];
    });
    const [worst] = found.sort((a, b) => rankOf(a.trouble) - rankOf(b.trouble));
    if (worst !== undefined) return judge(ref, worst);
    memory.forget(`obstacle ${resourceKey(ref)}`);
    if (waits?.waitsFor === undefined) return undefined;
    return { hopeless: false, reason: 'NotReady', text: waitTextOf(waits, waits.waitsFor) };
  };

  return async (ref, signal) => {
    const managed = lookup.managed(ref);
    if (managed === undefined) return undefined;
    const { uid, replicas } = managed.workload;
    const replicaSets = stores.replicaSets.byIndex('owner', uid).filter((set) => set.replicas > 0);
    const outlook = lookOut(uid, { replicas, pods: podsOf(stores, managed.workload), replicaSets });
    if (outlook.kind !== 'quiet') memory.forget(`quiet ${resourceKey(ref)}`);
    if (outlook.kind === 'obstacle') return judge(ref, outlook.obstacle);
    if (outlook.kind === 'quiet') return listen(ref, outlook, signal);
    memory.forget(`obstacle ${resourceKey(ref)}`);
    return undefined;
  };
}

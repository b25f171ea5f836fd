import { type Explanation, resourceKey, type ResourceRef } from '@scaler/scaler-types';
import { lookOut, type Obstacle, type Outlook, sentenceOf, waitTextOf } from './explain.ts';
import type { Dependencies } from '../dependencies.ts';
import { isHopeless, rankOf } from './hopeless.ts';
import { podsOf } from '../endpoints/own-pods.ts';
import { createWarnings } from './warnings.ts';

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

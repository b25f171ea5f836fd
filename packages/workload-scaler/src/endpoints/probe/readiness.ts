import type { Clock } from '@scaler/scaler-types';
import { type Candidate, lacksProbe, specsOf } from '../candidate.ts';
import { type ProbeRun, startProbing } from './probe-run.ts';

/** Which candidates of one target are ready. Probes those that the kubelet has not judged yet. */
export interface Readiness {
  /** Takes all candidates there are now, and probes accordingly. */
  update(candidates: readonly Candidate[]): void;
  isReady(candidate: Candidate): boolean;
  stop(): void;
}

/** `onChange` is called when a probe changed what `isReady` says. */
export function createReadiness(clock: Clock, onChange: () => void): Readiness {
  const runs = new Map<string, ProbeRun>();
  // Uids of pods that have been Ready: from then on the kubelet's word counts, not our probe's.
  const judged = new Set<string>();
  // Uids of pods without a probe that accepted a connection since they were last started.
  const accepted = new Set<string>();

  function note({ pod }: Candidate): void {
    if (pod.ready) judged.add(pod.uid);
    else if (judged.has(pod.uid)) accepted.delete(pod.uid);
  }

  function needsProbe(candidate: Candidate): boolean {
    const { uid } = candidate.pod;
    return lacksProbe(candidate) ? !accepted.has(uid) : !judged.has(uid) && specsOf(candidate) !== undefined;
  }

  function start(candidate: Candidate): void {
    const { uid } = candidate.pod;
    const onProbe = (passed: boolean): void => {
      if (passed && lacksProbe(candidate)) {
        accepted.add(uid);
        stopRun(uid);
      }
      onChange();
    };
    runs.set(uid, startProbing(specsOf(candidate) ?? [], candidate.address, clock, onProbe));
  }

  function stopRun(uid: string): void {
    runs.get(uid)?.stop();
    runs.delete(uid);
  }

  function forgetAbsent(present: ReadonlySet<string>): void {
    for (const uid of judged) if (!present.has(uid)) judged.delete(uid);
    for (const uid of accepted) if (!present.has(uid)) accepted.delete(uid);
  }

  return {
    update: (candidates) => {
      forgetAbsent(new Set(candidates.map(({ pod }) => pod.uid)));
      candidates.forEach(note);
      const wanted = new Map(candidates.filter(needsProbe).map((candidate) => [candidate.pod.uid, candidate]));
      for (const [uid, { address }] of runs) if (wanted.get(uid)?.address !== address) stopRun(uid);
      for (const [uid, candidate] of wanted) if (!runs.has(uid)) start(candidate);
    },
    isReady: (candidate) => {
      const { uid, ready } = candidate.pod;
      if (lacksProbe(candidate)) return accepted.has(uid) && (ready || !judged.has(uid));
      return ready || runs.get(uid)?.passed === true;
    },
    stop: () => {
      for (const uid of [...runs.keys()]) stopRun(uid);
    },
  };
}

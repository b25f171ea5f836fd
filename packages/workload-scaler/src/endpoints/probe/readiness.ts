import type { Clock } from '@scaler/scaler-types';
import { type Candidate, lacksProbe, specsOf } from '../candidate.ts';
import type { ProbeSpec } from '../../workload/pod-shape.ts';
import { probe } from './probe.ts';

/**
 * Which candidates of one target are ready. Probes those that the kubelet has not judged yet. `onChange` is called when a
 * probe changed what `isReady` says.
 */
export function createReadiness(clock: Clock, onChange: () => void) {
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
    /** Takes all candidates there are now, and probes accordingly. */
    update: (candidates: readonly Candidate[]): void => {
      forgetAbsent(new Set(candidates.map(({ pod }) => pod.uid)));
      candidates.forEach(note);
      const wanted = new Map(candidates.filter(needsProbe).map((candidate) => [candidate.pod.uid, candidate]));
      for (const [uid, { address }] of runs) if (wanted.get(uid)?.address !== address) stopRun(uid);
      for (const [uid, candidate] of wanted) if (!runs.has(uid)) start(candidate);
    },
    isReady: (candidate: Candidate): boolean => {
      const { uid, ready } = candidate.pod;
      if (lacksProbe(candidate)) return accepted.has(uid) && (ready || !judged.has(uid));
      return ready || runs.get(uid)?.passed === true;
    },
    stop: (): void => {
      for (const uid of [...runs.keys()]) stopRun(uid);
    },
  };
}

const wakingPauseMs = 50;
// Once it has passed, only to hear if it fails again before the kubelet says Ready.
const passedPauseMs = 1_000;

/** Probes one pod, until stopped. */
export type ProbeRun = ReturnType<typeof startProbing>;

/**
 * Runs all of a pod's probes every 50 ms until they have passed together, as often in a row as the strictest
 * `successThreshold` says; then once a second. Slower from the first minute on. `onChange` is called when `passed` changes.
 */
export function startProbing(
  specs: readonly ProbeSpec[],
  address: string,
  clock: Clock,
  onChange: (passed: boolean) => void,
) {
  const controller = new AbortController();
  const { signal } = controller;
  const needed = Math.max(1, ...specs.map(({ successThreshold }) => successThreshold));
  const startMs = clock.monotonic();
  let passed = false;

  async function run(): Promise<void> {
    for (let inRow = 0; ;) {
      inRow = (await allPass(specs, address, clock, signal)) ? inRow + 1 : 0;
      if (signal.aborted) return;
      const before = passed;
      passed = inRow >= needed;
      if (passed !== before) onChange(passed);
      await clock.sleep(passed ? passedPauseMs : pauseMs(clock.monotonic() - startMs), signal);
    }
  }

  void run().catch(() => undefined); // only the signal ends it
  return {
    address,
    get passed(): boolean {
      return passed;
    },
    stop: (): void => controller.abort(),
  };
}

// A pod that never starts is asked less and less: after a minute every 100 ms, after ten every second.
function pauseMs(elapsedMs: number): number {
  return Math.min(passedPauseMs, Math.max(wakingPauseMs, elapsedMs / 600));
}

async function allPass(
  specs: readonly ProbeSpec[],
  address: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  const results = await Promise.allSettled(specs.map((spec) => probe(spec, address, clock, signal)));
  return results.every(({ status }) => status === 'fulfilled');
}

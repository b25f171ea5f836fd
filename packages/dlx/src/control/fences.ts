import { PeerRates } from '@scaler/runtime';
import type { Clock } from '@scaler/scaler-types';
import type { FenceAnswer, Gate } from '../gate/gate.ts';
import { SharedAnswers } from './shared-answers.ts';

/** Of one resource, where any client may ask: a fence makes its next request wait for the cluster. */
const rate = { perSecond: 1, burst: 5 };

/** Raises fences: equal ones within a second are one. */
export class Fences {
  readonly #raised: SharedAnswers<string>;
  readonly #rates: PeerRates | undefined;
  readonly #onRaised: () => void;

  /** `bounded`: any client may ask, so each resource is fenced once a second at most, and five times at once. */
  constructor(clock: Clock, { bounded, onRaised }: { bounded: boolean; onRaised: () => void }) {
    this.#raised = new SharedAnswers(clock);
    this.#rates = bounded ? new PeerRates(rate, clock) : undefined;
    this.#onRaised = onRaised;
  }

  raise(gate: Gate, epoch: string): FenceAnswer {
    const { held, inFlight } = gate;
    const isQuiet = held === 0 && inFlight === 0 && gate.wakeSoFar?.calling !== true;
    if (isQuiet && this.#raised.recent(gate.key) === epoch) {
      if (gate.fence === epoch) return { clear: true, held, inFlight };
      return { clear: false, held, inFlight, reason: 'a wake has lifted this fence' };
    }
    if (isQuiet && this.#rates?.take(gate.key) === false)
      return { clear: false, held, inFlight, reason: 'it is fenced too often: more than once a second' };
    const answer = gate.raiseFence(epoch);
    if (!answer.clear) return answer;
    this.#raised.forget(gate.key);
    this.#raised.get(gate.key, () => epoch);
    this.#onRaised();
    return answer;
  }
}

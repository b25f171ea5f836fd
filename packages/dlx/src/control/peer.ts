import { type InfraReply, type InfraRoute, PeerRates } from '@scaler/runtime';
import { type Clock, resourceKey } from '@scaler/scaler-types';
import {
  type ActivityBody,
  dlxQuestions,
  type FenceAnswer,
  parseFenceRequest,
  parsePreflightRequest,
  type PreflightAnswer,
} from '@scaler/scaler-types/dlx-api';
import type { Dlx } from '../dlx.ts';
import type { Fenced, Gate } from '../gate/gate.ts';
import { preflight } from './preflight.ts';

/** Equal questions within so long share one answer. */
const sharedForMs = 1_000;
const mostKeys = 1_000;

/** Answers by what was asked, each made once and shared for a second. */
class SharedAnswers<T> {
  readonly #clock: Clock;
  readonly #answers = new Map<string, { answer: T; atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string, make: () => T): T {
    return this.recent(key) ?? this.put(key, make());
  }

  put(key: string, answer: T): T {
    this.#answers.delete(key);
    this.#answers.set(key, { answer, atMs: this.#clock.monotonic() });
    if (this.#answers.size > mostKeys) {
      const [oldest = ''] = this.#answers.keys();
      this.#answers.delete(oldest);
    }
    return answer;
  }

  /** The answer that is shared; undefined: there is none. */
  recent(key: string): T | undefined {
    const known = this.#answers.get(key);
    return known !== undefined && this.#clock.monotonic() - known.atMs < sharedForMs ? known.answer : undefined;
  }

  forget(key: string): void {
    this.#answers.delete(key);
  }
}

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

  raise(gate: Gate, epoch: string): Fenced {
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
    this.#raised.put(gate.key, epoch);
    this.#onRaised();
    return answer;
  }
}

export interface PeerRouteOptions {
  /** Whether any client may ask, so that the cost of a question is bounded. Default false. */
  readonly bounded?: boolean;
}

/**
 * The questions of the autoscaler to each DLX: which resources are active, whether nothing is under way, whether a
 * sleeper could be served. Equal questions within a second share one answer. A fence ends the sharing of the activity:
 * what is asked behind it has to show what came before it.
 */
export function peerRoutes(dlx: Dlx, { bounded = false }: PeerRouteOptions = {}): InfraRoute[] {
  const { identity: replica, clock } = dlx.core;
  const startedAt = clock.now();
  const activities = new SharedAnswers<ActivityBody>(clock);
  const preflights = new SharedAnswers<Promise<PreflightAnswer>>(clock);
  const fences = new Fences(clock, { bounded, onRaised: () => activities.forget('') });
  return [
    {
      ...dlxQuestions.activity,
      handle: () => ({
        body: activities.get('', () => {
          return { replica, startedAt, now: clock.now(), draining: dlx.core.draining, resources: activity(dlx) };
        }),
      }),
    },
    {
      ...dlxQuestions.fence,
      handle: ({ body }) => {
        const asked = parseFenceRequest(body);
        if (asked === undefined) return wrong('{resource: {namespace, name}, epoch}');
        const { resource, epoch } = asked;
        const gate = dlx.resources.gate(resource);
        // Not clear, for a DLX that has not heard of it yet would not know to wake it either.
        const unknown = { clear: false, held: 0, inFlight: 0, reason: 'this DLX does not know the resource' };
        const answer: FenceAnswer = { replica, epoch, ...(gate === undefined ? unknown : fences.raise(gate, epoch)) };
        return { body: answer };
      },
    },
    {
      ...dlxQuestions.preflight,
      handle: async ({ body }) => {
        const asked = parsePreflightRequest(body);
        if (asked === undefined) return wrong('{resource: {namespace, name}}');
        const { resource } = asked;
        const ask = async (): Promise<PreflightAnswer> => {
          // Shared, so that no asker's going ends it; it takes a second at most.
          const reasons = await preflight(dlx, resource, new AbortController().signal);
          return { replica, ok: reasons.length === 0, reasons };
        };
        // An unknown resource's answer is not kept: names of others' choice would fill the memory.
        const isKnown = dlx.resources.gate(resource) !== undefined;
        return { body: await (isKnown ? preflights.get(resourceKey(resource), ask) : ask()) };
      },
    },
  ];
}

function activity({ core, resources }: Dlx): ActivityBody['resources'] {
  const nowMs = core.clock.monotonic();
  const age = (atMs: number | undefined) => (atMs === undefined ? undefined : Math.max(0, Math.round(nowMs - atMs)));
  const active: Record<string, ActivityBody['resources'][string]> = {};
  for (const [key, gate] of resources.gates) {
    const { held, inFlight, openStreams, arrivals, lastArrivalMs, lastEndMs } = gate;
    if (arrivals + held + inFlight === 0) continue;
    const ages = { lastArrivalAgeMs: age(lastArrivalMs), lastEndAgeMs: age(lastEndMs) };
    active[key] = { held, inFlight, openStreams, arrivals, ...ages };
  }
  return active;
}

function wrong(wanted: string): InfraReply {
  return { status: 400, body: { code: 'bad-request', detail: `wanted is ${wanted}` } };
}

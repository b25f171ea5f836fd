import { once } from 'node:events';
import { connect, isIP } from 'node:net';
import { type InfraReply, type InfraRoute, PeerRates } from '@scaler/runtime';
import { type Clock, resourceKey, type ResourceRef, type TargetPort } from '@scaler/scaler-types';
import {
  type ActivityBody,
  dlxQuestions,
  type FenceAnswer,
  type ListeningAnswer,
  mostPortsAsked,
  parseFenceRequest,
  parseListeningRequest,
  parsePreflightRequest,
  parseReachRequest,
  type PreflightAnswer,
  type ReachAnswer,
  type ReachRequest,
} from '@scaler/scaler-types/dlx-api';
import type { Dlx } from '../dlx.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import type { Fenced, Gate } from '../gate/gate.ts';
import { causeText } from '../outcome.ts';
import { onAbort } from '../sockets/guard.ts';

const recentMs = 30_000;
const limitMs = 1000;
const lookEveryMs = 20;
const mostReasons = 5;

/** Why this DLX could not serve the resource were it asleep; empty: it could. Takes at most about a second; shared, no asker's
 * going ends it. */
async function preflight(dlx: Dlx, ref: ResourceRef): Promise<string[]> {
  const gate = dlx.resources.gate(ref);
  if (gate === undefined) return [`${resourceKey(ref)} is not known here`];
  const reasons: string[] = [];
  if (dlx.core.draining) reasons.push('this DLX is shutting down');
  reasons.push(...portsOfOthers(dlx, gate), ...portsNotListening(dlx, gate));
  const unreachable = await unreachableReason(gate, AbortSignal.timeout(limitMs));
  if (unreachable !== undefined) reasons.push(unreachable);
  return reasons;
}

/** Which of its ports another resource has, by an older claim. */
function portsOfOthers({ resources }: Dlx, gate: Gate): string[] {
  const isLost = ({ listenPort }: TargetPort): boolean => {
    const owner = listenPort === undefined ? undefined : resources.directory.byPort(listenPort)?.gate;
    return owner !== undefined && owner !== gate;
  };
  return reasonsOf(gate, isLost, () => ' belongs to another resource, by an older claim');
}

/** Why it does not listen for a target. */
function portsNotListening({ listeners }: Dlx, gate: Gate): string[] {
  const isSilent = ({ listenPort }: TargetPort): boolean =>
    listenPort !== undefined && !listeners.isListening(listenPort);
  return reasonsOf(gate, isSilent, (listenPort) => `: ${listeners.failure(listenPort) ?? 'not listening'}`);
}

/** Names the first of some targets, each with what is wrong with its listen port; a Service may have many. */
function reasonsOf(gate: Gate, isOne: (port: TargetPort) => boolean, why: (listenPort: number) => string): string[] {
  const all = gate.resource.targets.filter(isOne);
  const named = all.map(({ listenPort = 0, service, port }) => {
    return `port ${listenPort} for ${service}:${port}${why(listenPort)}`;
  });
  return firstPorts(named);
}

/** The first few of these texts, and how many more there are. */
export function firstPorts(texts: readonly string[]): string[] {
  const more = texts.length - mostReasons;
  return more > 0 ? [...texts.slice(0, mostReasons), `${more} more ports`] : [...texts];
}

/** Undefined when an endpoint answered lately, or answers now. */
async function unreachableReason(gate: Gate, limit: AbortSignal): Promise<string | undefined> {
  const { clock } = gate.core;
  const lanes = gate.lanes;
  for (const lane of lanes) lane.look();
  const all = (): EndpointState[] => lanes.flatMap((lane) => lane.endpoints.list);
  while (all().length === 0 && !limit.aborted) await clock.sleep(lookEveryMs, limit).catch(() => {});
  const states = all();
  if (states.length === 0) return 'no ready endpoint is known here';
  const sinceMs = clock.monotonic() - recentMs;
  if (states.some(({ answeredAtMs }) => answeredAtMs !== undefined && answeredAtMs >= sinceMs)) return undefined;
  const tries = states.map(async (state) => {
    await Promise.race([check(state, limit), aborted(limit)]);
    state.answered(clock.monotonic());
  });
  try {
    await Promise.any(tries);
    return undefined;
  } catch (error) {
    const [first] = (error as AggregateError).errors as unknown[];
    return `no endpoint answers from here: ${causeText(first)}`;
  }
}

async function check({ endpoint }: EndpointState, signal: AbortSignal): Promise<void> {
  if (endpoint.check !== undefined) {
    await endpoint.check(signal);
    return;
  }
  await connectTo(endpoint.address, endpoint.port, signal);
}

async function connectTo(host: string, port: number, signal: AbortSignal): Promise<void> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
  } finally {
    socket.destroy();
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const late = (): void => reject(new Error(`no answer in ${limitMs} ms`));
    if (signal.aborted) late();
    else onAbort(signal, late);
  });
}

/** Equal questions within so long share one answer. */
const sharedForMs = 1_000;
const mostKeys = 1_000;

/** Answers by what was asked, each made once and shared for a while. */
class SharedAnswers<T> {
  readonly #clock: Clock;
  readonly #forMs: number;
  readonly #answers = new Map<string, { answer: T; atMs: number }>();

  constructor(clock: Clock, forMs: number = sharedForMs) {
    this.#clock = clock;
    this.#forMs = forMs;
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
    return known !== undefined && this.#clock.monotonic() - known.atMs < this.#forMs ? known.answer : undefined;
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
          const reasons = await preflight(dlx, resource);
          return { replica, ok: reasons.length === 0, reasons };
        };
        // An unknown resource's answer is not kept: names of others' choice would fill the memory.
        const isKnown = dlx.resources.gate(resource) !== undefined;
        return { body: await (isKnown ? preflights.get(resourceKey(resource), ask) : ask()) };
      },
    },
    // Where any client may ask it would try ports for them.
    ...(bounded ? [] : [reachRoute(replica, clock)]),
    {
      ...dlxQuestions.listening,
      handle: ({ body }) => {
        const asked = parseListeningRequest(body);
        if (asked === undefined) return wrong(`{ports: [number]}, at most ${mostPortsAsked}`);
        const listening = asked.ports.filter((port) => dlx.listeners.isListening(port));
        return { body: { replica, listening } satisfies ListeningAnswer };
      },
    },
  ];
}

/** Shorter than a lost SYN's retransmission (1 s): the asker asks again. */
const reachLimitMs = 250;

function reachRoute(replica: string, clock: Clock): InfraRoute {
  const reached = new SharedAnswers<Promise<boolean>>(clock, reachLimitMs);
  const reach = ({ address, port }: ReachRequest): Promise<boolean> =>
    connectTo(address, port, AbortSignal.timeout(reachLimitMs)).then(
      () => true,
      () => false,
    );
  return {
    ...dlxQuestions.reach,
    handle: async ({ body }) => {
      const asked = parseReachRequest(body);
      if (asked === undefined || isIP(asked.address) === 0) return wrong('{address: an IP address, port}');
      const answer: ReachAnswer = {
        replica,
        reached: await reached.get(`${asked.address} ${asked.port}`, () => reach(asked)),
      };
      return { body: answer };
    },
  };
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

import { type ApiReason } from './errors.ts';
import { type ApiRequest, fullPathOf, type Verb } from './http/request.ts';

/** Called around the handling of a matching request: `after` when a write is done and its answer not yet sent. */
export type FaultHook = (request: ApiRequest, phase: 'before' | 'after') => void | Promise<void>;

/** The effect on a matching request or watch. */
export type FaultAction =
  /** Refused with this HTTP status, nothing is done. */
  | { type: 'error'; status: number; reason?: ApiReason; message?: string; retryAfterSeconds?: number }
  /** Handled this much later. */
  | { type: 'latency'; ms: number }
  /** The connection is reset, nothing is done. */
  | { type: 'dropBefore' }
  /** It is done, and the connection reset instead of an answer. */
  | { type: 'dropAfter' }
  /** The watch's connection is reset, now if it is open, after `afterEvents` further events (default 0). */
  | { type: 'cutWatch'; afterEvents?: number }
  /** Events and bookmarks reach the watch this much later, in order. */
  | { type: 'staleWatch'; ms: number }
  /** Half-open: nothing reaches the watch until the fault is removed, then everything does. */
  | { type: 'freezeWatch' }
  | { type: 'hook'; hook: FaultHook };

/** A fault: which requests, how often, and what. Fields that are left out match everything. */
export type Fault = {
  verb?: Verb | readonly Verb[];
  /** A text equals the path without query; an expression is tried on path and query. */
  path?: string | RegExp;
  /** Plural: `deployments`. */
  resource?: string;
  namespace?: string;
  name?: string;
  /** `'scale'`, `'status'`; `''` for the object itself. */
  subresource?: string;
  /** A text is a part of the User-Agent. */
  userAgent?: string | RegExp;
  /** The bearer token. */
  user?: string;
  /** How many matching requests are let pass first. Default 0. */
  skip?: number;
  /** How many times it acts (for `cutWatch`: on how many watches). Default: always. */
  times?: number;
  /** The probability of each match, 0 to 1, drawn from the seed. Default 1. */
  probability?: number;
  action: FaultAction;
};

/** A fault in force. */
export type FaultHandle = {
  /** How often it has acted; `staleWatch` and `freezeWatch` do not count. */
  readonly hits: number;
  /** Takes it back. A frozen watch gets what it missed. */
  remove(): void;
};

/** The faults of a fake API. */
export type Faults = {
  /** Puts a fault in force; later ones act after earlier ones. */
  add(fault: Fault): FaultHandle;
  clear(): void;
};

/** A watch that is open, as faults see it. */
export type FaultyWatch = {
  readonly request: ApiRequest;
  /** Looks again whether it is frozen. */
  refresh(): void;
  cut(afterEvents: number): void;
};

/** The faults' inner side. */
export type FaultBoard = Faults & {
  /** The actions for one request, each counted as a hit. */
  draw(request: ApiRequest): FaultAction[];
  /** How a watch is held up at the moment. */
  holdUp(request: ApiRequest): { frozen: boolean; delayMs: number };
  open(watch: FaultyWatch): void;
  closed(watch: FaultyWatch): void;
};

function textMatches(text: string, wanted: string | RegExp | undefined, part: boolean): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted !== 'string') return new RegExp(wanted.source, wanted.flags.replaceAll(/[gy]/g, '')).test(text);
  return part ? text.includes(wanted) : text === wanted;
}

function matches(fault: Fault, request: ApiRequest): boolean {
  const { verb, path, userAgent } = fault;
  const whole = typeof path === 'string' ? request.path : fullPathOf(request);
  return (
    (verb === undefined || (typeof verb === 'string' ? verb === request.verb : verb.includes(request.verb))) &&
    (['resource', 'namespace', 'name', 'subresource', 'user'] as const).every(
      (field) => fault[field] === undefined || fault[field] === request[field],
    ) &&
    textMatches(whole, path, false) &&
    textMatches(request.userAgent, userAgent, true)
  );
}

const onWatches: readonly FaultAction['type'][] = ['cutWatch', 'staleWatch', 'freezeWatch'];

type Active = FaultHandle & { readonly fault: Fault; seen: number; hits: number };

/** Whether a matching request meets the fault, counting it. */
function strikes(active: Active, random: () => number): boolean {
  const { skip = 0, times = Infinity, probability = 1 } = active.fault;
  active.seen += 1;
  if (active.seen <= skip || active.hits >= times || (probability < 1 && random() >= probability)) return false;
  active.hits += 1;
  return true;
}

/** A board without faults. `random` decides for those with a probability. */
export function createFaults(random: () => number): FaultBoard {
  const active = new Set<Active>();
  const watches = new Set<FaultyWatch>();
  const refresh = (): void => watches.forEach((watch) => watch.refresh());
  const cutIfHit = (one: Active, watch: FaultyWatch): void => {
    const { action } = one.fault;
    if (action.type === 'cutWatch' && matches(one.fault, watch.request) && strikes(one, random))
      watch.cut(action.afterEvents ?? 0);
  };
  return {
    add(fault) {
      const remove = (): void => {
        active.delete(one);
        refresh();
      };
      const one: Active = { fault, seen: 0, hits: 0, remove };
      active.add(one);
      for (const watch of [...watches]) cutIfHit(one, watch);
      return one;
    },
    clear() {
      active.clear();
      refresh();
    },
    draw: (request) =>
      [...active]
        .filter(
          (one) => !onWatches.includes(one.fault.action.type) && matches(one.fault, request) && strikes(one, random),
        )
        .map(({ fault }) => fault.action),
    holdUp(request) {
      const actions = [...active].filter(({ fault }) => matches(fault, request)).map(({ fault }) => fault.action);
      const delays = actions.map((action) => (action.type === 'staleWatch' ? action.ms : 0));
      return { frozen: actions.some(({ type }) => type === 'freezeWatch'), delayMs: Math.max(0, ...delays) };
    },
    open(watch) {
      watches.add(watch);
      for (const one of [...active]) cutIfHit(one, watch);
    },
    closed: (watch) => void watches.delete(watch),
  };
}

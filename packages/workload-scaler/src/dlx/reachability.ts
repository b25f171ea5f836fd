import { BoundedMap, doublingMs } from '@scaler/async';
import { type Clock, resourceKey, type ResourceRef, type ScalerContext } from '@scaler/scaler-types';
import {
  dlxQuestions,
  dlxRefusal,
  type OutcomeCode,
  parsePreflight,
  type PreflightRequest,
} from '@scaler/scaler-types/dlx-api';
import { type Answer, answerOf, type Asked, askEither, askedAt, longestText } from './ask-dlx.ts';
import { listenPortOf } from '../ports/port-label.ts';
import { leadingOf, type Snapshot } from '../cache/snapshot.ts';
import { digest } from '../workload/keys.ts';
import { targetPortOf } from '../endpoints/candidate.ts';
import { tcpPortsOf } from '../routing/service-info.ts';
import type { Options } from '../config/options.ts';
import type { DlxAddresses } from './dlx-addresses.ts';
import type { Managed } from '../cache/lookup.ts';
import { protocolOf, speaksHttp1, speaksTls } from '../ports/protocol.ts';

/**
 * Whether requests get from the DLX to the pods. Asked once, with the pods awake, before `always` puts the DLX into
 * the path: a NetworkPolicy or a strict mesh would otherwise turn a diverted Service into an outage.
 */
export type Reachability = ReturnType<typeof createReachability>;

/** What is wrong, and how many times in a row. */
export interface Unreached {
  readonly problem: string;
  readonly failures: number;
}

/** One path through a DLX to the pods. */
export interface DlxPath extends Asked {
  /** The port for one target, where a health check goes through; for `preflight` the DLX's infrastructure port. */
  readonly port: number;
  /** Asked for; the readiness probe's, where there is one. `preflight`: nothing can be said there, so the DLX is asked. */
  readonly ask: { readonly path: string } | 'preflight';
}

const goodForMs = 30_000;
const firstBadForMs = 1_000;
const longestBadForMs = 30_000;
/** How a request ends that an app does not understand. */
const unspoken: OutcomeCode = 'upstream-reset';
/** An app that was asked in a protocol that it does not speak may count that against the DLX. */
const unspokenForMs = 600_000;
const answerLimitMs = 3_000;
const longestQuote = 200;

const mostBytes = 4 * 1024 * 1024;

/** `token`: what the DLX wants on its control port; undefined: it is asked on its infrastructure port. */
export function createReachability(clock: Clock, token?: ScalerContext['dlxToken']) {
  const found = new BoundedMap<{ readonly failures: number; readonly atMs: number }>({ mostBytes });
  const spoken = new BoundedMap<Spoken>({ mostBytes });
  return {
    /**
     * Whether what clients speak on these ports can wake it, by one request through the DLX to each; undefined: it can. Asked
     * once for what it depends on, since the app takes it for a client's.
     */
    unspoken: async (ref: ResourceRef, paths: readonly DlxPath[], print: string, signal: AbortSignal) => {
      const key = resourceKey(ref);
      const known = spoken.get(key);
      const isOver = known?.problem !== undefined && clock.monotonic() - known.atMs >= unspokenForMs;
      if (known?.print === print && !isOver) return known.problem;
      const problems = await Promise.all(paths.map((dlxPath) => problemOf(ref, dlxPath, token, signal)));
      signal.throwIfAborted();
      // A port on which nothing listens has no clients awake either.
      const problem = problems.find((one) => one !== undefined && one.code !== 'upstream-connect');
      if (problem === undefined || problem.code === unspoken || problem.code === 'no-answer')
        spoken.set(
          key,
          { print, problem: problem?.text, atMs: clock.monotonic() },
          ref.namespace,
          2 * key.length + 600,
        );
      return problem?.text;
    },
    /** What was found lately; undefined: nothing. */
    known: (ref: ResourceRef): boolean | undefined => {
      const last = found.get(resourceKey(ref));
      if (last === undefined || clock.monotonic() - last.atMs >= lifeMs(last.failures)) return undefined;
      return last.failures === 0;
    },
    /** Tries every path; resolves with what is wrong, undefined when each led to a pod. */
    try: async (ref: ResourceRef, paths: readonly DlxPath[], signal: AbortSignal): Promise<Unreached | undefined> => {
      const problems = await Promise.all(paths.map((dlxPath) => problemOf(ref, dlxPath, token, signal)));
      signal.throwIfAborted();
      const first = problems.find((one) => one !== undefined);
      const problem = paths.length === 0 ? 'no DLX listens for it' : first?.text;
      const before = found.get(resourceKey(ref))?.failures ?? 0;
      const failures = problem === undefined ? 0 : before + 1;
      const key = resourceKey(ref);
      found.set(key, { failures, atMs: clock.monotonic() }, ref.namespace, 2 * key.length + 100);
      return problem === undefined ? undefined : { problem, failures };
    },
  };
}

/** What one try of {@link createReachability} showed. */
interface Spoken {
  /** What it depends on. */
  readonly print: string;
  readonly problem: string | undefined;
  readonly atMs: number;
}

/** What is wrong with a path: for people, and by its outcome where a DLX named one. */
interface Problem {
  readonly text: string;
  readonly code: OutcomeCode | 'no-answer' | undefined;
}

function lifeMs(failures: number): number {
  return failures === 0 ? goodForMs : doublingMs(failures, firstBadForMs, longestBadForMs);
}

async function problemOf(
  ref: ResourceRef,
  dlxPath: DlxPath,
  token: ScalerContext['dlxToken'],
  outer: AbortSignal,
): Promise<Problem | undefined> {
  const signal = AbortSignal.any([outer, AbortSignal.timeout(answerLimitMs)]);
  const failed = ({ text, code }: Problem): Problem => ({
    text: `the DLX at ${dlxPath.address}:${dlxPath.port} ${text}`,
    code,
  });
  try {
    const problem =
      dlxPath.ask === 'preflight'
        ? await preflight(ref, dlxPath, token, signal)
        : await probe(dlxPath, dlxPath.ask.path, signal);
    return problem && failed(problem);
  } catch (error) {
    return failed({ text: `did not answer: ${(error as Error).message}`, code: 'no-answer' });
  }
}

// As a scrape: neither wakes nor counts, passes to the pod while it is awake, and is refused else. A health check would get
// its 200 from the DLX itself where that knows of no ready pod yet.
async function probe(dlxPath: DlxPath, path: string, signal: AbortSignal): Promise<Problem | undefined> {
  const { status, type, text } = await answerOf(
    dlxPath,
    { path, headers: { 'User-Agent': 'Prometheus/scaler' } },
    signal,
  );
  const code = dlxRefusal(type, text);
  if (code === undefined) return undefined;
  const hint = code === unspoken ? '; a port that does not speak HTTP is named by scaler/tcp-ports' : '';
  return { text: `answered ${status} ${code} instead of a pod${hint}`, code };
}

// What a DLX is asked before a park, too: it listens, and a pod takes its connections.
async function preflight(
  { namespace, name }: ResourceRef,
  dlxPath: DlxPath,
  token: ScalerContext['dlxToken'],
  signal: AbortSignal,
): Promise<Problem | undefined> {
  const body: PreflightRequest = { resource: { namespace, name } };
  const text = problemIn(await askEither(dlxPath, { ...dlxQuestions.preflight, body }, token, signal));
  return text === undefined ? undefined : { text, code: undefined };
}

function problemIn({ status, text }: Answer): string | undefined {
  if (status !== 200) return `answered ${status} to a preflight`;
  if (text.length >= longestText) return 'answered a preflight at such a length that it is no answer';
  try {
    const { ok, reasons } = parsePreflight(JSON.parse(text));
    return ok ? undefined : `says: ${reasons.join('; ').slice(0, longestQuote)}`;
  } catch (error) {
    return `answered a preflight with ${(error as Error).message}`;
  }
}

/**
 * The paths through a DLX by which it shows whether clients of ports that say nothing of their protocol can wake the resource, and
 * what that depends on. A readiness probe in HTTP that passes has shown it already.
 */
export function unsaidPaths(
  deps: { readonly dlx: DlxAddresses | undefined; readonly options: Options },
  snapshot: Snapshot,
  { workload, settings }: Managed,
): { readonly paths: readonly DlxPath[]; readonly print: string } {
  const { template } = workload;
  const proven = (template.probes ?? []).flatMap(({ type, port }) => (type === 'http' ? [port] : []));
  const unsaid = leadingOf(snapshot).flatMap((service) =>
    tcpPortsOf(service).flatMap((one) => {
      const isSaid = protocolOf(one, settings.tcpPorts).protocol !== undefined || !speaksHttp1(one) || speaksTls(one);
      const target = targetPortOf(one, template);
      const listenPort = listenPortOf(workload, service.name, one.port, deps.options.portRange);
      return isSaid || listenPort === undefined || (target !== undefined && proven.includes(target))
        ? []
        : [listenPort];
    }),
  );
  const paths = unsaid.flatMap((port): DlxPath[] => {
    const [address] = deps.dlx?.listed([port]) ?? [];
    return address === undefined ? [] : [{ address, port, ask: { path: '/' } }];
  });
  return { paths, print: digest(JSON.stringify([workload.uid, unsaid, template])) };
}

/** Every path through a DLX to the resource's pods. */
export async function pathsTo(
  deps: { readonly dlx: DlxAddresses | undefined; readonly options: Options },
  snapshot: Snapshot,
  { workload, settings }: Managed,
  signal: AbortSignal,
): Promise<readonly DlxPath[]> {
  const probe = workload.template.probes?.find(({ type }) => type === 'http');
  const path = probe?.type === 'http' ? probe.path : '/';
  const asked = new Set<string>();
  const paths = leadingOf(snapshot).flatMap((service) => {
    const ports = service.ports.flatMap((one) => {
      const listenPort = listenPortOf(workload, service.name, one.port, deps.options.portRange);
      if (one.protocol !== 'TCP' || listenPort === undefined) return [];
      return [
        {
          listenPort,
          needsPreflight: protocolOf(one, settings.tcpPorts).protocol === 'tcp' || !speaksHttp1(one) || speaksTls(one),
        },
      ];
    });
    const listenPorts = ports.map(({ listenPort }) => listenPort);
    deps.dlx?.findListening(listenPorts);
    const addresses = deps.dlx?.listed(listenPorts) ?? [];
    if (ports.some(({ needsPreflight }) => needsPreflight)) addresses.forEach((address) => asked.add(address));
    const spoken = ports.filter(({ needsPreflight }) => !needsPreflight);
    return addresses.flatMap((address) =>
      spoken.map(({ listenPort: port }): DlxPath => ({ address, port, ask: { path } })),
    );
  });
  if (asked.size === 0) return paths;
  const named = new Map((await deps.dlx?.live(signal))?.map(({ address, ports }) => [address, ports]));
  const preflights = [...asked].map((address): DlxPath => ({
    ...askedAt(address, named.get(address)),
    ask: 'preflight',
  }));
  return [...paths, ...preflights];
}

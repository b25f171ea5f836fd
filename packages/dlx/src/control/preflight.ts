import { once } from 'node:events';
import { connect } from 'node:net';
import { resourceKey, type ResourceRef, type TargetPort } from '@scaler/scaler-types';

import type { Dlx } from '../dlx.ts';
import type { EndpointState } from '../endpoints/endpoint-state.ts';
import { onAbort } from '../sockets/guard.ts';
import type { Gate } from '../gate/gate.ts';
import { causeText } from '../outcome.ts';

const recentMs = 30_000;
const limitMs = 1000;
const lookEveryMs = 20;
const mostReasons = 5;

/** Why this DLX could not serve the resource were it asleep; empty: it could. Takes at most about a second. */
export async function preflight(dlx: Dlx, ref: ResourceRef, signal: AbortSignal): Promise<string[]> {
  const gate = dlx.resources.gate(ref);
  if (gate === undefined) return [`${resourceKey(ref)} is not known here`];
  const reasons: string[] = [];
  if (dlx.core.draining) reasons.push('this DLX is shutting down');
  reasons.push(...portsOfOthers(dlx, gate), ...portsNotListening(dlx, gate));
  const limit = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  const unreachable = await unreachableReason(gate, limit);
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
  const socket = connect({ host: endpoint.address, port: endpoint.port });
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

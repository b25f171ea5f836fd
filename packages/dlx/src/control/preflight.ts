import { once } from 'node:events';
import { connect } from 'node:net';
import { type ResourceRef, resourceKey } from '@scaler/scaler-types';

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
  const lost = gate.resource.targets.filter(({ listenPort }) => {
    const owner = listenPort === undefined ? undefined : resources.directory.byPort(listenPort)?.gate;
    return owner !== undefined && owner !== gate;
  });
  const named = lost.slice(0, mostReasons).map(({ listenPort = 0, service, port }) => {
    return `port ${listenPort} for ${service}:${port} belongs to another resource, by an older claim`;
  });
  return lost.length > mostReasons ? [...named, `${lost.length - mostReasons} more ports`] : named;
}

/** Why it does not listen for a target, each by name; a Service may have many ports. */
function portsNotListening({ listeners }: Dlx, gate: Gate): string[] {
  const silent = gate.resource.targets.filter(
    (one) => one.listenPort !== undefined && !listeners.isListening(one.listenPort),
  );
  if (silent.length === 0) return [];
  const failures = new Map(listeners.failures().map(({ port, reason }) => [port, reason]));
  const named = silent.slice(0, mostReasons).map(({ listenPort = 0, service, port }) => {
    return `port ${listenPort} for ${service}:${port}: ${failures.get(listenPort) ?? 'not listening'}`;
  });
  return silent.length > mostReasons ? [...named, `${silent.length - mostReasons} more ports`] : named;
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

import { startDeadline } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';
import { deadlineError } from '@scaler/kube';
import type { ProbeSpec } from '../../workload/pod-shape.ts';
import { connectOnce } from './connect.ts';
import { checkHealth } from './probe-grpc.ts';
import { requestStatus, requireSuccess } from './probe-http.ts';

/**
 * Runs a readiness probe once, from here, against a pod's address, within the probe's own time limit.
 * See docs/decisions/early-readiness.md.
 *
 * @throws why it did not pass.
 */
export function probe(spec: ProbeSpec, address: string, clock: Clock, signal: AbortSignal): Promise<void> {
  return limited(spec, address, clock, signal, async (limit) => {
    if (spec.type === 'http') requireSuccess(await requestStatus(spec, address, clock, limit), spec);
    else if (spec.type === 'grpc') await checkHealth(spec, address, clock, limit);
    else await connectOnce(address, spec.port, clock, limit);
  });
}

/**
 * Asks a pod for a real answer: whether it can be reached from here, rather than whether it feels ready. By HTTP any
 * answer below 500 will do.
 *
 * @throws what went wrong.
 */
export function answers(spec: ProbeSpec, address: string, clock: Clock, signal: AbortSignal): Promise<void> {
  if (spec.type !== 'http') return probe(spec, address, clock, signal);
  return limited(spec, address, clock, signal, async (limit) => {
    const status = await requestStatus(spec, address, clock, limit);
    if (status >= 500) requireSuccess(status, spec);
  });
}

async function limited(
  spec: ProbeSpec,
  address: string,
  clock: Clock,
  signal: AbortSignal,
  work: (limit: AbortSignal) => Promise<void>,
): Promise<void> {
  const deadline = startDeadline(clock, spec.timeoutMs, signal);
  try {
    await work(deadline.signal);
  } catch (error) {
    if (!deadline.signal.aborted) throw error;
    const what = `The ${spec.type} probe of ${address} port ${spec.port}`;
    throw deadlineError(deadline, what);
  } finally {
    deadline.dispose();
  }
}

/** How a port is asked for which a pod has no probe of its own: does it accept connections. */
export function acceptSpec(port: number): ProbeSpec {
  return { type: 'tcp', port, timeoutMs: 1_000, successThreshold: 1 };
}

import type { ApiRequest, FakeApi } from '@scaler/testing-kit/kubernetes';
import type { WriteKind } from './workload.ts';

/** A write of one of the apps to an object of a workload. */
export interface Write {
  readonly by: 'autoscaler' | 'dlx';
  readonly kind: WriteKind;
  /** The workload's name; its Service has the same one. */
  readonly workload: string;
  readonly verb: string;
  /** `deployments/shop-1`. */
  readonly object: string;
  /** The process that swaps a phase; undefined for routing. */
  readonly author: string | undefined;
}

export type WriteMoment = 'arrived' | 'done';

interface Operation {
  op: string;
  path: string;
  value?: unknown;
}

const phaseOf = (operations: readonly Operation[]): unknown =>
  operations.find(({ op, path }) => op !== 'test' && path === '/metadata/labels/scaler~1phase')?.value;

function kindOf({ verb, resource, body }: ApiRequest): WriteKind | undefined {
  if (resource === 'endpointslices') return verb === 'delete' ? 'unslice' : 'slice';
  if (verb !== 'patch') return undefined;
  const operations = JSON.parse(body) as Operation[];
  if (resource === 'services') return operations.some(({ op }) => op === 'remove') ? 'unkey' : 'key';
  if (resource !== 'deployments') return undefined;
  return (phaseOf(operations) as WriteKind | undefined) ?? 'ports';
}

function nameOf({ name, body }: ApiRequest): string {
  return name !== '' ? name : ((JSON.parse(body) as { metadata: { name: string } }).metadata.name ?? '');
}

function writeOf(request: ApiRequest): Write | undefined {
  const kind = kindOf(request);
  if (kind === undefined) return undefined;
  const name = nameOf(request);
  return {
    by: request.userAgent.includes('dlx') ? 'dlx' : 'autoscaler',
    kind,
    workload: name.replace(/-scaler-ipv4$/, ''),
    verb: request.verb,
    object: `${request.resource}/${name}`,
    author: /\\"by\\":\\"(?:dlx|autoscaler)[ /]([a-z0-9-]+)/.exec(request.body)?.[1],
  };
}

/**
 * Reports each write when it reaches the API, and when it is done and its answer not yet sent; a promise holds it up.
 * Events and Leases are left out: they do not change the state of a workload.
 */
export function watchWrites(
  { faults }: FakeApi,
  namespace: string,
  listener: (write: Write, moment: WriteMoment) => void | Promise<void>,
): () => void {
  const hook = (request: ApiRequest, phase: 'before' | 'after'): void | Promise<void> => {
    const write = writeOf(request);
    if (write !== undefined) return listener(write, phase === 'before' ? 'arrived' : 'done');
  };
  const fault = faults.add({
    verb: ['create', 'update', 'patch', 'delete'],
    namespace,
    userAgent: /^scaler-/,
    action: { type: 'hook', hook },
  });
  return () => fault.remove();
}

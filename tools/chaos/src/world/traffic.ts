import { request } from 'node:http';
import type { ServiceProxy } from '@scaler/testing-kit/kubernetes';
import { requestHeader, slowHeader } from './app-image.ts';
import { type Member, keyOf } from './fleet.ts';
import type { Simulation } from './simulation.ts';

/** One request on a new connection, from the choice that a kube-proxy makes to its one answer. */
export interface Sent {
  readonly id: number;
  readonly key: string;
  readonly member: Member;
  readonly sentMs: number;
  /** `host:port`; undefined: the Service has no endpoint. */
  readonly backend: string | undefined;
  readonly node: number;
  /** When a pod got it. */
  reachedMs: number | undefined;
  endedMs: number | undefined;
  /** The status, or the code of an error. */
  result: string | undefined;
  /** The reason, where the DLX gave one. */
  detail: string;
}

const rememberMs = 60_000;

/** The clients of the fleet. */
export type Traffic = ReturnType<typeof createTraffic>;

export function createTraffic(simulation: Simulation, nodes: readonly ServiceProxy[], onEnd: (sent: Sent) => void) {
  const { timeline, activity, random, counts } = simulation;
  const open = new Set<Sent>();
  const served = new Map<string, readonly Sent[]>();
  const aborts = new AbortController();
  let ids = 0;

  /** The addresses that a node's kube-proxy leads new connections to a Service to. */
  const backends = (member: Member, node: number): readonly string[] => {
    try {
      return nodes[node % nodes.length]?.backends(member.namespace, member.name, 80) ?? [];
    } catch {
      // The Service is gone.
      return [];
    }
  };

  return {
    /** The requests that have no answer yet. */
    open: open as ReadonlySet<Sent>,
    /** A pod got a request. */
    reached: (id: number): void => {
      for (const sent of open) if (sent.id === id) sent.reachedMs = timeline.ms;
    },
    /** The latest requests that were answered with 200. */
    served: (key: string): readonly Sent[] => served.get(key) ?? [],
    backends,
    /**
     * Sends a request to a member's Service, as a client on that node does. Its pod takes `slowMs` to answer.
     */
    send: (member: Member, node: number, slowMs = 0): Sent => {
      const all = backends(member, node);
      const backend = all.length === 0 ? undefined : random.pick(all);
      const sent: Sent = {
        ...{ id: ++ids, key: keyOf(member), member, sentMs: timeline.ms, backend, node },
        ...{ reachedMs: undefined, endedMs: undefined, result: undefined, detail: '' },
      };
      counts.add('requests');
      const end = (result: string, detail = ''): void => {
        if (sent.result !== undefined || aborts.signal.aborted) return;
        Object.assign(sent, { endedMs: timeline.ms, result, detail });
        open.delete(sent);
        if (result === '200') {
          const recent = (served.get(sent.key) ?? []).filter(({ endedMs = 0 }) => endedMs > timeline.ms - rememberMs);
          served.set(sent.key, [...recent, sent]);
        }
        activity.note();
        onEnd(sent);
      };
      if (backend === undefined) {
        end('no-endpoint');
        return sent;
      }
      open.add(sent);
      ask(sent, backend, { slowMs, signal: aborts.signal }, end);
      return sent;
    },
    /** Drops the open requests, as clients that go away. */
    close: (): void => aborts.abort(),
  };
}

function ask(
  { id, member }: Sent,
  backend: string,
  { slowMs, signal }: { readonly slowMs: number; readonly signal: AbortSignal },
  end: (result: string, detail?: string) => void,
): void {
  const colon = backend.lastIndexOf(':');
  const { namespace, name } = member;
  const asked = request({
    ...{ host: backend.slice(0, colon), port: Number(backend.slice(colon + 1)), agent: false, signal },
    headers: { host: `${name}.${namespace}`, [requestHeader]: id, [slowHeader]: slowMs },
  });
  asked.on('response', (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    response.on('end', () => end(String(response.statusCode), response.statusCode === 200 ? '' : text));
  });
  asked.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  asked.end();
}

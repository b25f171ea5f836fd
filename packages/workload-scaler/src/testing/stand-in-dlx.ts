import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { resourceKey, type Resource, type ResourceRef, type ResourceScaler, type Target } from '@scaler/scaler-types';

/** The least that is a DLX: it listens where resources say, wakes for every request, and forwards to a pod. */
export interface StandInDlx {
  readonly address: string;
  /** Requests that arrived, by resource. */
  readonly arrivals: Map<string, number>;
  /** Resources as they were told last. */
  readonly known: ReadonlyMap<string, Resource>;
  inFlight: number;
  /** From now on answers as a DLX that does not reach the pods. */
  unreachable: boolean;
  /** As one that has just forgotten every port, and hears of nothing until the answer is called. */
  deafen(): () => void;
  /** Raises the fence for a resource, and says whether it is idle. */
  isClear(): boolean;
  close(): Promise<void>;
}

/** Neither wakes nor counts. */
const quiet = /^(kube-probe|Prometheus)\//;

export function startStandInDlx(address: string, scaler: ResourceScaler): StandInDlx {
  const stop = new AbortController();
  const arrivals = new Map<string, number>();
  const handle = async (target: Target, incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const probe = quiet.test(incoming.headers['user-agent'] ?? '');
    if (!probe) arrivals.set(resourceKey(target.resource), (arrivals.get(resourceKey(target.resource)) ?? 0) + 1);
    if (dlx.unreachable) {
      response.writeHead(503, { 'Content-Type': 'application/problem+json' }).end('{"code":"upstream-connect"}');
      return;
    }
    for (;;) {
      if (!probe) await wake(scaler, target.resource, stop.signal);
      const endpoint = await firstEndpoint(scaler, target, stop.signal);
      if (await forward(endpoint, incoming, response)) return;
    }
  };

  const ports = createPorts(address, (target, incoming, response) => {
    dlx.inFlight += 1;
    response.once('close', () => (dlx.inFlight -= 1));
    handle(target, incoming, response).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy();
      const body = { code: 'upstream-reset', detail: String(error) };
      response
        .writeHead(quiet.test(incoming.headers['user-agent'] ?? '') ? 502 : 500, {
          'Content-Type': 'application/problem+json',
        })
        .end(JSON.stringify(body));
    });
  });
  const watching = scaler.watchResources?.((change) => {
    if (change.type === 'set') ports.listenFor(change.resource);
  }, stop.signal);

  const dlx: StandInDlx = {
    address,
    arrivals,
    known: ports.known,
    inFlight: 0,
    unreachable: false,
    deafen: ports.deafen,
    isClear: () => dlx.inFlight === 0,
    close: async () => {
      stop.abort(new Error('The stand-in DLX is closed'));
      await watching;
      ports.close();
    },
  };
  return dlx;
}

/** Where it listens: one port for each target. */
function createPorts(
  address: string,
  handle: (target: Target, incoming: IncomingMessage, response: ServerResponse) => void,
) {
  const servers = new Map<number, Server>();
  /** By listen port: one that was freed may be another's by now. */
  const targets = new Map<number, Target>();
  const known = new Map<string, Resource>();
  let deaf = false;

  // As a DLX: it stays with who has it, unless traffic is led there for the other alone.
  const isTaken = (listenPort: number, by: Resource): boolean => {
    const owner = targets.get(listenPort)?.resource;
    if (owner === undefined || resourceKey(owner) === resourceKey(by)) return false;
    const claims = known.get(resourceKey(owner))?.targets ?? [];
    const isLed = (list: Resource['targets']): boolean => list.some(({ led }) => led?.port === listenPort);
    return isLed(claims) || (!isLed(by.targets) && claims.some((one) => one.listenPort === listenPort));
  };

  const listenFor = (resource: Resource): void => {
    known.set(resourceKey(resource), resource);
    if (deaf) return;
    const { namespace, name } = resource;
    const ways = resource.targets.flatMap((target) =>
      [...new Set([target.led?.port, target.listenPort])].flatMap((listenPort) =>
        listenPort === undefined ? [] : [{ ...target, listenPort }],
      ),
    );
    for (const { service, port, listenPort } of ways) {
      if (isTaken(listenPort, resource)) continue;
      targets.set(listenPort, { resource: { namespace, name }, service, port });
      if (servers.has(listenPort)) continue;
      const server = createServer((incoming, response) =>
        handle(targets.get(listenPort) as Target, incoming, response),
      );
      servers.set(listenPort, server);
      server.listen(listenPort, address);
    }
  };
  const close = (): void => {
    for (const server of servers.values()) {
      server.close();
      server.closeAllConnections();
    }
    servers.clear();
  };
  return {
    known,
    listenFor,
    close,
    deafen: () => {
      deaf = true;
      close();
      return () => {
        deaf = false;
        for (const resource of known.values()) listenFor(resource);
      };
    },
  };
}

async function wake(scaler: ResourceScaler, resource: ResourceRef, signal: AbortSignal): Promise<void> {
  const reason = { by: 'stand-in', text: 'a request arrived' };
  const [result] = await scaler.setScale([resource], 1, { signal, reason });
  if (result?.ok !== true) throw result?.error ?? new Error('no result');
}

interface Upstream {
  readonly address: string;
  readonly port: number;
}

function firstEndpoint(scaler: ResourceScaler, target: Target, signal: AbortSignal): Promise<Upstream> {
  const done = new AbortController();
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    scaler.watchEndpoints?.(
      target,
      ([endpoint]) => {
        if (endpoint === undefined) return;
        resolve(endpoint);
        queueMicrotask(() => done.abort());
      },
      AbortSignal.any([signal, done.signal]),
    );
  });
}

/** False when nothing was sent: the pod refused the connection. */
async function forward(
  { address, port }: Upstream,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const { method, url, headers } = incoming;
  const outgoing = httpRequest({ host: address, port, method, path: url, headers, agent: false });
  const [socket] = (await once(outgoing, 'socket')) as [Socket];
  try {
    if (socket.connecting) await once(socket, 'connect');
  } catch {
    return false;
  }
  incoming.pipe(outgoing);
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.pipe(response);
  return true;
}

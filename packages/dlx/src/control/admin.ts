import httpProxy from '@fastify/http-proxy';
import { type AdminApp, readSmallFile, sendProblem } from '@scaler/runtime';
import { Agent } from 'undici';
import type { Dlx } from '../dlx.ts';
import type { Gate } from '../gate/gate.ts';

export interface AutoscalerMount {
  readonly url: string;
  /** Read at each request. Undefined: the caller's own `Authorization` is passed on. */
  readonly tokenFile: string | undefined;
  /** PEM; undefined: Node's own. */
  readonly ca: string | undefined;
}

/** The autoscaler lists each resource in about 200 bytes. */
const proxyLimits = { headersTimeout: 15_000, bodyTimeout: 15_000, maxResponseSize: 64 * 1024 * 1024 };

/** `GET /resources`, `GET /resources/:namespace/:name` and, where there is one, the autoscaler under `/autoscaler`. */
export function adminRoutes(dlx: Dlx, autoscaler?: AutoscalerMount): (app: AdminApp) => Promise<void> {
  return async (app) => {
    app.get('/resources', () => ({
      replica: dlx.core.identity,
      draining: dlx.core.draining,
      held: dlx.core.accounting.held,
      inFlight: dlx.core.accounting.inFlight,
      outcomes: dlx.core.accounting.outcomes,
      resources: [...dlx.resources.gates.values()].map(summary),
    }));
    app.get<{ Params: { namespace: string; name: string } }>('/resources/:namespace/:name', (request, reply) => {
      const gate = dlx.resources.gate(request.params);
      if (gate !== undefined) return { ...summary(gate), targets: targets(gate), recent: gate.recent() };
      const { namespace, name } = request.params;
      return sendProblem(reply, 'unknown-resource', 404, 'No such resource', `${namespace}/${name} is not managed`);
    });
    if (autoscaler !== undefined) await mount(app, autoscaler);
  };
}

function summary(gate: Gate): object {
  const { namespace, name } = gate.ref;
  return {
    namespace,
    name,
    phase: gate.resource.phase ?? null,
    open: gate.isOpen(),
    fence: gate.fence ?? null,
    held: gate.held,
    inFlight: gate.inFlight,
    arrivals: gate.arrivals,
    waking: gate.wakeSoFar?.calling ?? false,
    inLine: gate.wakeSoFar?.inLine ?? false,
    breaker: breaker(gate),
    hindrance: gate.blockedReason ?? null,
    last: gate.recent()[0] ?? null,
  };
}

function breaker({ wakeSoFar }: Gate): object {
  const { state = 'closed', failures = 0, cause = null, retryInMs } = wakeSoFar?.breaker ?? {};
  return { state, failures, cause, retryInMs: retryInMs === undefined ? null : Math.ceil(retryInMs) };
}

function targets(gate: Gate): object[] {
  return gate.lanes.map((lane) => ({
    service: lane.target.service,
    port: lane.target.port,
    listenPort: lane.port.listenPort ?? null,
    held: lane.held,
    endpoints: lane.endpoints.list.map(({ key }) => key),
  }));
}

async function mount(app: AdminApp, { url, tokenFile, ca }: AutoscalerMount): Promise<void> {
  // As it comes the proxy skips TLS verification and repeats a GET that got 503 eleven times.
  // Its own limits are minutes, and no bytes.
  const agent = new Agent({ ...proxyLimits, connect: { rejectUnauthorized: true, ...(ca !== undefined && { ca }) } });
  app.addHook('onClose', () => agent.destroy());
  await app.register(httpProxy, {
    upstream: url,
    prefix: '/autoscaler',
    undici: agent as never,
    replyOptions: { retriesCount: 0, retryDelay: () => null },
    disableRequestLogging: true,
    preHandler: (request, _reply, done) => {
      if (tokenFile === undefined) {
        done();
        return;
      }
      readSmallFile(tokenFile).then((token) => {
        request.headers.authorization = `Bearer ${token.trim()}`;
        done();
      }, done);
    },
  });
}

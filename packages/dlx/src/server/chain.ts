import { answerQuiet } from '../answer.ts';
import type { Core } from '../core.ts';
import type { Exchange } from '../exchange.ts';
import type { Lane } from '../hold/lane.ts';
import type { Directory } from '../identify/directory.ts';
import { parseHost } from '../identify/host.ts';
import type { Trust } from '../identify/trust.ts';
import { hopHeader } from '../forward/head.ts';
import type { Refusal } from '../outcome.ts';
import { quietOf } from '../quiet.ts';
import type { Handle } from './connection.ts';

/** One request, the whole way: identify → gate → hold or pass → endpoint → upstream → copy → outcome. */
export function createChain(core: Core, directory: Directory, trusts: Trust): Handle {
  return (x) => {
    const refusal = check(x);
    if (refusal !== undefined) {
      x.refuse(refusal);
      return;
    }
    const lane = identify(x, directory, trusts);
    if (lane === undefined) return;
    const { gate } = lane;
    x.enter(lane);
    if (isLoop(x, gate.key)) {
      x.refuse({ outcome: 'no-route', status: 508, detail: `came back to ${gate.key} from its own endpoint` });
      return;
    }
    addForwarded(x, gate.key);
    const quiet = quietOf(x.req, x.head.userAgent, gate.resource.quietRules, lane.target.port);
    if (quiet === undefined) {
      gate.arrivals += 1;
      gate.lastArrivalMs = x.startedMs;
    }
    const endpoint = lane.passTo(quiet === undefined || gate.isOpen());
    if (endpoint !== undefined) lane.start(x, endpoint);
    else if (quiet === undefined) lane.hold(x);
    else answerQuiet(x, quiet === 'health' ? core.settings.quietStatus : 503);
  };
}

/** What Node lets through and must not pass. */
function check(x: Exchange): Refusal | undefined {
  const { req, head } = x;
  const url = req.url ?? '';
  const bad = (detail: string, status?: number): Refusal => ({
    outcome: 'bad-request',
    detail,
    ...(status !== undefined && { status }),
  });
  if (x.core.refusing) return { outcome: 'draining', detail: 'this DLX is about to stop' };
  if (head.hosts > 1) return bad('more than one Host');
  if (head.host === undefined && req.httpVersion !== '1.0') return bad('no Host');
  if (head.host !== undefined && head.host !== '' && parseHost(head.host) === undefined) return bad('not a Host');
  if (head.transferEncoding !== undefined && req.httpVersion === '1.0') return bad('Transfer-Encoding in HTTP/1.0');
  if (head.transferEncoding !== undefined && head.transferEncoding.trim().toLowerCase() !== 'chunked') {
    return bad(`Transfer-Encoding "${head.transferEncoding}": only chunked is known`, 501);
  }
  if (head.expect !== undefined && head.expect.toLowerCase() !== '100-continue') {
    return bad(`Expect "${head.expect}": only 100-continue is known`, 417);
  }
  if (head.upgrade !== undefined && /websocket/i.test(head.upgrade))
    return bad('Upgrade to WebSocket is not supported', 501);
  if (url.startsWith('/')) {
    x.path = url;
    return undefined;
  }
  return checkAbsolute(x, url, bad);
}

/** `GET http://host/path`: the authority must be the Host. */
function checkAbsolute(x: Exchange, url: string, bad: (detail: string) => Refusal): Refusal | undefined {
  const match = /^https?:\/\/([^/?#]+)([^#]*)$/i.exec(url);
  if (match === null) return bad(`cannot forward the request target "${url.slice(0, 80)}"`);
  const [, authority = '', rest = ''] = match;
  const named = parseHost(authority);
  const host = parseHost(x.head.host ?? '');
  if (
    named === undefined ||
    host === undefined ||
    named.name !== host.name ||
    (named.port ?? 80) !== (host.port ?? 80)
  ) {
    return bad('the request target names another host than Host does');
  }
  x.path = rest.startsWith('/') ? rest : `/${rest}`;
  return undefined;
}

function identify(x: Exchange, directory: Directory, trusts: Trust): Lane | undefined {
  const { connection, head } = x;
  if (connection.ownPort) {
    const found = directory.byPort(connection.port);
    if (found !== undefined && found !== 'ambiguous') return found;
    const why = found === undefined ? 'belongs to no resource' : 'is claimed by several resources';
    const detail = `port ${connection.port} ${why}`;
    x.refuse({ outcome: 'no-route', detail, tried: [`port ${connection.port}`] });
    return undefined;
  }
  const query = x.path.indexOf('?');
  const found = directory.identify({
    host: head.host,
    path: query === -1 ? x.path : x.path.slice(0, query),
    target: head.target !== undefined && trusts(connection.remoteAddress) ? head.target : undefined,
  });
  if ('lane' in found) return found.lane;
  x.refuse({ outcome: 'no-route', detail: 'nothing known goes by this host and path', tried: found.tried });
  return undefined;
}

function isLoop(x: Exchange, key: string): boolean {
  const { hop } = x.head;
  return hop !== undefined && hop.split(',').some((passed) => passed.trim() === key);
}

function addForwarded(x: Exchange, key: string): void {
  const { head, connection, core } = x;
  const trusted = core.settings.trustForwarded;
  const client = connection.remoteAddress ?? 'unknown';
  const before = trusted ? head.forwardedFor : undefined;
  head.fields.push('x-forwarded-for', before === undefined ? client : `${before}, ${client}`);
  head.fields.push('x-forwarded-proto', (trusted ? head.forwardedProto : undefined) ?? 'http');
  const host = (trusted ? head.forwardedHost : undefined) ?? head.host;
  if (host !== undefined) head.fields.push('x-forwarded-host', host);
  head.fields.push(hopHeader, head.hop === undefined ? key : `${head.hop}, ${key}`);
}

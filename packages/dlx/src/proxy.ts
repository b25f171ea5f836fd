import { answerQuiet } from './exchange/answer.ts';
import type { Core } from './core.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { EndpointState } from './endpoints/endpoint-state.ts';
import type { Lane } from './gate/lane.ts';
import type { Directory } from './identify/directory.ts';
import type { Trust } from './identify/trust.ts';
import { addForwarded } from './head/forwarded.ts';
import type { Refusal } from './outcome.ts';
import { quietOf } from './gate/quiet.ts';
import type { Handle } from './accept/client-connection.ts';

const stopping: Refusal = { outcome: 'draining', detail: 'this DLX is about to stop' };
const crowded: Refusal = { outcome: 'overflow', detail: 'this DLX has too little memory left for new requests' };

/** One request, the whole way: identify → gate → hold or pass → endpoint → upstream → copy → outcome. */
export function createChain(core: Core, directory: Directory, trusts: Trust): Handle {
  const take: Handle = (x) => {
    const refusal = core.refusing || core.shedding ? refusalOf(core) : x.carrier.check(x);
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
    const quiet = quietOf(x.carrier, gate.resource.quietRules, lane.port.port);
    if (quiet === undefined) {
      gate.arrivals += 1;
      gate.lastArrivalMs = x.startedMs;
      x.isUse = true;
    }
    const endpoint = lane.passTo(quiet === undefined || gate.isOpen(), x.startedMs);
    if (endpoint !== undefined) startIfRoom(x, lane, endpoint);
    else if (quiet === undefined) lane.hold(x);
    else {
      gate.quietWaits();
      answerQuiet(x, quiet === 'health' ? core.settings.quietStatus : 503);
    }
  };
  return (x) => {
    try {
      take(x);
    } catch (error) {
      x.broke(error);
    }
  };
}

function refusalOf({ refusing }: Core): Refusal {
  return refusing ? stopping : crowded;
}

/** What is held instead has to find room as such. */
function startIfRoom(x: Exchange, lane: Lane, endpoint: EndpointState): void {
  const overflow = x.overflow();
  if (overflow === undefined) {
    lane.start(x, endpoint);
    return;
  }
  const { gate } = lane;
  gate.core.accounting.bounds.met('memory', gate.ref.namespace);
  x.refuse({ outcome: 'overflow', detail: `${gate.key}: ${overflow}` });
}

function identify(x: Exchange, directory: Directory, trusts: Trust): Lane | undefined {
  const { channel, head } = x;
  if (channel.ownPort) {
    const found = directory.byPort(channel.port);
    if (found !== undefined) return found;
    const detail = `port ${channel.port} belongs to no resource`;
    x.refuse({ outcome: 'no-route', detail, tried: [`port ${channel.port}`] });
    return undefined;
  }
  const query = x.path.indexOf('?');
  const address = {
    host: head.host,
    path: query === -1 ? x.path : x.path.slice(0, query),
    target: head.target !== undefined && trusts(channel.remoteAddress) ? head.target : undefined,
  };
  const lane = directory.identify(address);
  if (lane !== undefined) return lane;
  const tried = directory.tried(address);
  x.refuse({ outcome: 'no-route', detail: 'nothing known goes by this host and path', tried });
  return undefined;
}

function isLoop(x: Exchange, key: string): boolean {
  const { hop } = x.head;
  return hop !== undefined && hop.split(',').some((passed) => passed.trim() === key);
}

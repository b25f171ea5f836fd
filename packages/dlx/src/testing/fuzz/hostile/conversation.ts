import { createRandom, type Random } from '../random.ts';
import { legalHttp1Client, oddHttp1Client, type Script } from './http1/http1-client.ts';
import { legalHttp1Endpoint, oddHttp1Endpoint } from './http1/http1-endpoint.ts';
import { legalHttp2Client, oddHttp2Client } from './http2/http2-client.ts';
import { type Http2Script, legalHttp2Endpoint, oddHttp2Endpoint } from './http2/http2-endpoint.ts';
import { describe } from './step.ts';
import { legalTcpClient, legalTcpEndpoint, oddTcpClient, oddTcpEndpoint } from './tcp.ts';
import { legalUpgradeClient, legalUpgradeEndpoint, oddUpgradeClient, oddUpgradeEndpoint } from './upgrade.ts';

/** How a resource of the stage is when a request comes, and what a wake of it comes to. */
export const wakings = ['awake', 'fast', 'slow', 'never', 'failing', 'calm', 'drowsy'] as const;
export type Waking = (typeof wakings)[number];

/** How a connection comes in: by the shared port, or one of its target's own, by what is declared of it. */
export const entries = ['sniffed', 'tcp-client', 'tcp-server', 'tcp'] as const;
export type Entry = 'shared' | (typeof entries)[number];

export type Protocol = 'http1' | 'http2' | 'upgrade' | 'tcp';

/** What a client and an endpoint are to do with each other, through the DLX. */
export interface Conversation {
  readonly index: number;
  readonly protocol: Protocol;
  readonly waking: Waking;
  readonly entry: Entry;
  readonly client: Script;
  readonly endpoint: Script | Http2Script;
  /** Whether the endpoint's connections are left open for what comes next. */
  readonly leavesOpen: boolean;
  /** Both keep to the protocol, and the resource serves: the client is to get its answer. */
  readonly legal: boolean;
}

const protocols = ['http1', 'http1', 'http1', 'http2', 'http2', 'http2', 'upgrade', 'tcp'] as const;
const often = ['awake', 'awake', 'awake', 'awake', 'fast', 'fast', 'slow', 'never', 'failing'] as const;

/** More than a busy machine needs. */
const patientMs = 40_000;

/** The conversation of that number. `host` tells the name of a resource of the slot it is played in. */
export function conversationOf(seed: number, index: number, host: (waking: Waking) => string): Conversation {
  const random = createRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const protocol = random.pick(protocols);
  const odd = random.pick(often);
  const shared = random.oneIn(2);
  const entry = protocol === 'tcp' ? random.pick(entries) : shared ? 'shared' : 'sniffed';
  const [keeps, answers] = [random.oneIn(3), random.oneIn(3)];
  // Where both keep to the protocol there is time enough, on a busy machine too, so that an answer may be asked for.
  const waking = keeps && answers ? random.pick(['calm', 'drowsy'] as const) : odd;
  const { client, endpoint } = scripts({ protocol, host: host(waking), keeps, answers }, random);
  // Where nothing is declared these bytes are no known protocol.
  const legal = client.legal && endpoint.legal && !(protocol === 'tcp' && entry === 'sniffed');
  return { index, protocol, waking, entry, client, endpoint, leavesOpen: random.oneIn(4), legal };
}

interface Kinds {
  readonly protocol: Protocol;
  readonly host: string;
  /** Whether the client, and the endpoint, keep to the protocol. */
  readonly keeps: boolean;
  readonly answers: boolean;
}

function scripts(
  { protocol, host, keeps, answers }: Kinds,
  random: Random,
): { client: Script; endpoint: Script | Http2Script } {
  // Whatever an odd endpoint says, nothing is to be waited for.
  const limitMs = keeps && answers ? patientMs : 300;
  switch (protocol) {
    case 'http1':
      return {
        client: keeps ? legalHttp1Client(host, random, limitMs) : oddHttp1Client(host, random),
        endpoint: answers ? legalHttp1Endpoint(random) : oddHttp1Endpoint(random),
      };
    case 'http2':
      return {
        client: keeps ? legalHttp2Client(host, random, limitMs) : oddHttp2Client(host, random),
        endpoint: answers ? legalHttp2Endpoint(random) : oddHttp2Endpoint(random),
      };
    case 'upgrade':
      return {
        client: keeps ? legalUpgradeClient(host, limitMs) : oddUpgradeClient(host, random),
        endpoint: answers ? legalUpgradeEndpoint() : oddUpgradeEndpoint(random),
      };
    case 'tcp':
      return {
        client: keeps ? legalTcpClient(random, limitMs) : oddTcpClient(random),
        endpoint: answers ? legalTcpEndpoint() : oddTcpEndpoint(random),
      };
  }
}

/** In words: what repeats it, and what both sides do. */
export function tell(seed: number, { index, protocol, waking, entry, client, endpoint }: Conversation): string {
  const opening = 'opening' in endpoint ? `${describe(endpoint.opening)}; on each stream: ` : '';
  return (
    `--hostile --seed ${seed} --only ${index}: ${protocol} by ${entry}, ${waking}\n` +
    `    client: ${describe(client.steps)}\n    endpoint: ${opening}${describe(endpoint.steps)}`
  );
}

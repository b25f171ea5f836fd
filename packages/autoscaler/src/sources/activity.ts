import { type Clock, formatDuration, resourceKey } from '@scaler/scaler-types';
import type { ActivityAnswer } from '../peers/answers.ts';
import { parseActivity } from '../peers/answers.ts';
import { askAll } from '../peers/ask-all.ts';
import { type Peer, type PeerDirectory, peerText } from '../peers/peer.ts';
import type { PeerClient } from '../peers/peer-client.ts';
import { type Sample, unknown } from './sample.ts';
import type { Collected, Source } from './source.ts';
import type { Want } from './want.ts';

export interface ActivitySourceParts {
  peers: PeerDirectory;
  client: PeerClient;
  clock: Clock;
  /** Milliseconds for one replica's answer. */
  timeoutMs: number;
}

/** What was counted in a window, as far as the replicas that answered know. */
interface Heard {
  answers: readonly ActivityAnswer[];
  failures: readonly string[];
  /** Replicas that were heard before and are not there any more. */
  gone: readonly Gone[];
}

interface Gone {
  replica: string;
  agoMs: number;
}

/**
 * The DLX's own count: `GET /activity` of every replica. The value is the number of requests held, in flight or streaming,
 * plus one when the last arrival is younger than the window. Use that one replica knows is use; idleness needs every
 * replica's answer, over the whole window: one that does not answer, or started or went away less than a window ago,
 * leaves it unknown.
 */
export function createActivitySource({ peers, client, clock, timeoutMs }: ActivitySourceParts): Source {
  const lastHeard = createLastHeard(clock);

  const hear = async (signal: AbortSignal): Promise<Heard> => {
    let list: readonly Peer[];
    try {
      list = await peers.live(signal);
    } catch (error) {
      signal.throwIfAborted();
      return { answers: [], failures: [`the DLX replicas cannot be listed: ${(error as Error).message}`], gone: [] };
    }
    if (list.length === 0) return { answers: [], failures: ['no DLX replica is known'], gone: [] };
    const question = { method: 'GET', path: '/activity', timeoutMs } as const;
    const replies = await askAll(client, list, question, parseActivity, signal);
    const answers = replies.flatMap((reply) => ('answer' in reply ? [reply] : []));
    const failures = replies.flatMap((reply) => ('error' in reply ? [reply.error.message] : []));
    return { answers: answers.map(({ answer }) => answer), failures, gone: lastHeard.update(answers) };
  };

  return {
    name: 'dlx-activity',
    kind: 'activity',
    async collect(wants, { signal }): Promise<Collected> {
      const heard = await hear(signal);
      return { samples: new Map(wants.map((want) => [want.key, sampleOf(want, heard)])), failures: heard.failures };
    },
  };
}

function sampleOf(want: Want, heard: Heard): Sample {
  const key = resourceKey(want.resource);
  const windowMs = want.metric.windowSize;
  const value = heard.answers.reduce((sum, answer) => sum + inUse(answer, key, windowMs), 0);
  if (value > 0) return { known: true, value, ageMs: 0 };
  const [failure] = heard.failures;
  if (failure !== undefined) return unknown(failure);
  const doubt = want.proves === 'idleness' ? partOfWindow(heard, windowMs) : undefined;
  return doubt === undefined ? { known: true, value, ageMs: 0 } : unknown(doubt);
}

function inUse(answer: ActivityAnswer, key: string, windowMs: number): number {
  const activity = answer.resources.get(key);
  if (!activity) return 0;
  const { held, inFlight, openStreams, lastArrivalAgeMs } = activity;
  const arrived = lastArrivalAgeMs !== undefined && lastArrivalAgeMs < windowMs ? 1 : 0;
  return held + inFlight + openStreams + arrived;
}

/** Why the replicas' counts do not cover the whole window. */
function partOfWindow({ answers, gone }: Heard, windowMs: number): string | undefined {
  const window = formatDuration(windowMs);
  const young = answers.find((answer) => !(answer.upMs >= windowMs));
  if (young) return `DLX ${young.replica} started less than ${window} ago`;
  const lost = gone.find(({ agoMs }) => agoMs < windowMs);
  if (lost) return `DLX ${lost.replica} went away less than ${window} ago, and its count with it`;
  return undefined;
}

/** Replicas are told apart by address, name and start, so that two with one name, or one started again, are two. */
function createLastHeard(clock: Clock) {
  const heard = new Map<string, { replica: string; atMs: number }>();
  const keptMs = 24 * 3_600_000;
  return {
    update(answers: readonly { peer: Peer; answer: ActivityAnswer }[]): readonly Gone[] {
      const nowMs = clock.monotonic();
      const keys = answers.map(({ peer, answer }) => {
        const key = `${peerText(peer)} ${answer.replica} ${answer.startedAt}`;
        heard.set(key, { replica: answer.replica, atMs: nowMs });
        return key;
      });
      const present = new Set(keys);
      for (const [key, { atMs }] of heard) if (nowMs - atMs > keptMs) heard.delete(key);
      return [...heard]
        .filter(([key]) => !present.has(key))
        .map(([, { replica, atMs }]) => ({ replica, agoMs: nowMs - atMs }));
    },
  };
}

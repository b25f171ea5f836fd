import { limited } from '@scaler/async';
import type { Clock } from '@scaler/scaler-types';
import { type ActivityAnswer, dlxQuestions, parseActivity, type ResourceActivity } from '@scaler/scaler-types/dlx-api';
import { askAll } from '../peers/ask-all.ts';
import { type Peer, type PeerDirectory, peerText } from '../peers/peer.ts';
import type { PeerClient } from '../peers/peer-client.ts';
import { keyOf } from '../observe/key-of.ts';
import { type Covered, type Sample, samplesOf, unknown } from './sample.ts';
import type { Collected, Source } from './collect.ts';
import type { Want } from './want.ts';

export interface ActivitySourceParts {
  peers: PeerDirectory;
  client: PeerClient;
  clock: Clock;
  /** Milliseconds for the answer of one replica. */
  timeoutMs: number;
  /** Milliseconds for the list of replicas. */
  listTimeoutMs: number;
}

/** The counts of the replicas that answered. */
interface Heard {
  answers: readonly ActivityAnswer[];
  failures: readonly string[];
  /** How far back the counts of all replicas go. */
  covered: Covered | undefined;
}

/** A replica that answered before and is gone. */
interface Gone {
  replica: string;
  agoMs: number;
}

/**
 * The DLX's own count: `GET /activity` of every replica. The value is the number of requests that are held or in flight
 * now, open streams among them; and 1 where there are none, but the last one came or ended within the window. The count of
 * one replica proves use. Idleness needs the answer of every replica over the whole window: a replica that does not answer
 * leaves it unknown, and a replica that started or went away limits how far back the count goes.
 */
export function createActivitySource({ peers, client, clock, timeoutMs, listTimeoutMs }: ActivitySourceParts): Source {
  const lastHeard = createLastHeard(clock);

  const hear = async (longestWindowMs: number, signal: AbortSignal): Promise<Heard> => {
    const list = () => limited({ clock, limitMs: listTimeoutMs, signal }, (both) => peers.live(both));
    const question = { ...dlxQuestions.activity, timeoutMs, isLong: true };
    const replies = await askAll(client, list, question, parseActivity, signal);
    if (typeof replies === 'string') return { answers: [], failures: [replies], covered: undefined };
    const heard = replies.flatMap((reply) => ('answer' in reply ? [reply] : []));
    const failures = replies.flatMap((reply) => ('error' in reply ? [reply.error.message] : []));
    const answers = heard.map(({ answer }) => answer);
    return { answers, failures, covered: coveredBy(answers, lastHeard.update(heard, longestWindowMs)) };
  };

  return {
    name: 'dlx-activity',
    async collect(wants, { signal }): Promise<Collected> {
      const longestWindowMs = wants.reduce((longest, { metric }) => Math.max(longest, metric.windowSize), 0);
      const heard = await hear(longestWindowMs, signal);
      return { samples: samplesOf(wants, (want) => sampleOf(want, heard)), failures: heard.failures };
    },
  };
}

function sampleOf(want: Want, heard: Heard): Sample {
  const value = valueOf(heard.answers, keyOf(want.resource), want.metric.windowSize);
  if (value > 0) return { known: true, value, ageMs: 0 };
  const [failure] = heard.failures;
  if (failure !== undefined) return unknown(failure);
  return { known: true, value, ageMs: 0, covered: heard.covered };
}

function valueOf(answers: readonly ActivityAnswer[], key: string, windowMs: number): number {
  const counts = answers.flatMap(({ resources }) => resources.get(key) ?? []);
  const now = counts.reduce((sum, count) => sum + inUse(count), 0);
  const recent = counts.some(({ lastArrivalAgeMs = Infinity, lastEndAgeMs = Infinity }) => {
    return Math.min(lastArrivalAgeMs, lastEndAgeMs) < windowMs;
  });
  return Math.max(now, recent ? 1 : 0);
}

/** An open stream is in flight too. More streams than requests in flight contradict that, and still prove use. */
function inUse({ held, inFlight, openStreams }: ResourceActivity): number {
  return held + Math.max(inFlight, openStreams);
}

function coveredBy(answers: readonly ActivityAnswer[], gone: readonly Gone[]): Covered | undefined {
  const starts = answers.map(({ replica, upMs }): Covered => ({ ms: upMs, since: `DLX ${replica} started` }));
  const ends = gone.map(({ replica, agoMs }): Covered => ({
    ms: agoMs,
    since: `DLX ${replica} went away, and its count with it,`,
  }));
  return [...starts, ...ends].reduce<Covered | undefined>(
    (least, one) => (least && least.ms <= one.ms ? least : one),
    undefined,
  );
}

/** Identifies replicas by address, name and start, so that two with one name, or one that restarted, are two. */
function createLastHeard(clock: Clock) {
  const heard = new Map<string, { replica: string; atMs: number }>();
  let keptMs = 0;
  return {
    update(answers: readonly { peer: Peer; answer: ActivityAnswer }[], longestWindowMs: number): readonly Gone[] {
      // A fence asks for one resource alone; replicas that other resources' windows need are kept.
      keptMs = Math.max(keptMs, longestWindowMs);
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

import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, ask } from './ask.ts';

/** The result of one request of a stream. */
export interface Sent {
  /** The answer of the last try. */
  readonly answer: Answer;
  /** From the first try to the answer. */
  readonly tookMs: number;
  /** Earlier tries, whose connection ended with its process. */
  readonly cut: number;
}

export interface TrafficOptions {
  /** The URL of the next request. */
  readonly url: () => string;
  readonly everyMs: number;
  /** A request must be answered within this time. */
  readonly limitMs: number;
  /** Try again when the connection fails: a process that is killed takes its connections along. */
  readonly persistent: boolean;
}

/** Requests over new connections at a modest, steady rate. */
export interface Traffic {
  /** Resolves when all sent requests have ended. */
  stop(): Promise<readonly Sent[]>;
}

const retryMs = 100;

export function startTraffic(options: TrafficOptions): Traffic {
  const sent: Promise<Sent>[] = [];
  const send = (): void => void sent.push(askUntilAnswered(options));
  const timer = setInterval(send, options.everyMs);
  send();
  return {
    stop: () => {
      clearInterval(timer);
      return Promise.all(sent);
    },
  };
}

async function askUntilAnswered({ url, limitMs, persistent }: TrafficOptions): Promise<Sent> {
  const beganMs = performance.now();
  for (let cut = 0; ; cut++) {
    const leftMs = limitMs - (performance.now() - beganMs);
    const answer = await ask(url(), { timeoutMs: Math.max(1, leftMs) });
    const tookMs = performance.now() - beganMs;
    const failedToConnect = answer.status === undefined && tookMs < limitMs - retryMs;
    if (answer.ok || !persistent || !failedToConnect) return { answer, tookMs, cut };
    await sleep(retryMs);
  }
}

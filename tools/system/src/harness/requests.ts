import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The result of one request. `ok`: answered 200, by an upstream that saw this very request. */
export interface Answer {
  readonly id: string;
  readonly ok: boolean;
  /** Undefined: there was no answer. */
  readonly status: number | undefined;
  /** The answer, or the error when there was none. */
  readonly text: string;
  /** It went over a connection that was open before. */
  readonly reused: boolean;
  /** `performance.now()`. */
  readonly sentMs: number;
  readonly firstByteMs: number;
}

export interface AskOptions {
  /** Default: a connection of its own. */
  readonly agent?: http.Agent;
  /** Further header fields. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

const body = Buffer.alloc(512, 'x');

/** Sends one POST, which no proxy may repeat by itself. Never rejects. */
export function ask(url: string, { agent, timeoutMs, headers: more }: AskOptions): Promise<Answer> {
  const id = randomUUID();
  const sentMs = performance.now();
  return new Promise((resolve) => {
    const end = (text: string, status?: number, firstByteMs = performance.now()): void => {
      clearTimeout(timer);
      const ok = status === 200 && text.includes(id);
      resolve({ id, ok, status, text: ok ? '200' : text, reused: request.reusedSocket, sentMs, firstByteMs });
    };
    const own = { 'x-request-id': id, 'content-length': body.length, ...(agent ? {} : { connection: 'close' }) };
    const headers = { ...own, ...more };
    const request = http.request(url, { method: 'POST', agent: agent ?? false, headers });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    request.on('response', (response) => {
      const firstByteMs = performance.now();
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('error', (error) => end(`broken off: ${error.message}`));
      response.on('end', () => end(textOf(response.statusCode, text), response.statusCode, firstByteMs));
    });
    request.end(body);
  });
}

const textOf = (status: number | undefined, text: string): string =>
  status === 200 ? text : `${status} ${text}`.slice(0, 300);

/** A client that keeps its one connection. */
export function keptAlive(): http.Agent {
  return new http.Agent({ keepAlive: true, maxSockets: 1 });
}

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
  /** Resolves when the first request has ended. */
  readonly first: Promise<unknown>;
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
    first: Promise.resolve(sent[0]),
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

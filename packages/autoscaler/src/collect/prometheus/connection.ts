import { Agent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { readSmallFile } from '@scaler/runtime';
import { exchange } from '../../peers/exchange.ts';

export interface ConnectionOptions {
  /** http or https; a path in it is kept: `https://mimir/prometheus`. */
  url: string;
  /** PEM, instead of the system's authorities. */
  caFile: string | undefined;
  /** A bearer token. */
  tokenFile: string | undefined;
  /** `user:password`. */
  basicFile: string | undefined;
  /** Connections at once. */
  concurrency: number;
}

export interface HttpAnswer {
  status: number;
  /** The answer's `Date`; NaN: none. */
  dateMs: number;
  /** Undefined: no JSON. */
  json: unknown;
}

/** A longer answer is an error: 10,000 series take about 2 MB. */
const longestAnswerBytes = 16 * 1024 * 1024;

function withoutFinalSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return path.slice(0, end);
}

export type Connection = ReturnType<typeof createConnection>;

/** Keeps connections to one server; its files are read for each request, so that they may be rotated. */
export function createConnection(options: ConnectionOptions) {
  const base = new URL(options.url);
  const prefix = withoutFinalSlashes(base.pathname);
  const isSecure = base.protocol === 'https:';
  const agents = createAgents(isSecure, options);

  /** `form` makes it a POST. @throws Error in words, without a secret in it. */
  const ask = async (
    path: string,
    form: Readonly<Record<string, string>> | undefined,
    signal: AbortSignal,
  ): Promise<HttpAnswer> => {
    const [agent, authorization] = await Promise.all([agents.current(), authorizationOf(options)]);
    const body = form && new URLSearchParams(form).toString();
    const headers = {
      accept: 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
    };
    const host = base.hostname.replace(/^\[|\]$/g, '');
    const method = body === undefined ? 'GET' : 'POST';
    const sent = { agent, host, port: base.port, method, path: prefix + path, headers, signal };
    const {
      status = 0,
      headers: own,
      text,
    } = await exchange(() => (isSecure ? httpsRequest : httpRequest)(sent), body, longestAnswerBytes);
    if (text === undefined) throw new Error(`it answered more than ${longestAnswerBytes} bytes`);
    return { status, dateMs: Date.parse(own.date ?? ''), json: parse(text) };
  };
  return { ask, close: () => agents.close() };
}

/** One agent for as long as the authorities stay the same. */
function createAgents(secure: boolean, { caFile, concurrency }: ConnectionOptions) {
  const limits = { keepAlive: true, maxSockets: concurrency };
  let ca: string | undefined;
  let agent: Agent = secure ? new HttpsAgent(limits) : new Agent(limits);
  return {
    async current(): Promise<Agent> {
      if (!secure || caFile === undefined) return agent;
      const now = await readSmallFile(caFile);
      if (now !== ca) {
        // The old agent still serves its requests under way; its idle sockets do not keep the process alive.
        agent = new HttpsAgent({ ...limits, ca: now });
        ca = now;
      }
      return agent;
    },
    close: () => agent.destroy(),
  };
}

async function authorizationOf({ tokenFile, basicFile }: ConnectionOptions): Promise<string | undefined> {
  if (tokenFile !== undefined) return `Bearer ${(await readSmallFile(tokenFile)).trim()}`;
  if (basicFile === undefined) return undefined;
  return `Basic ${Buffer.from((await readSmallFile(basicFile)).trim()).toString('base64')}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * A client in a pod, told over HTTP what to ask for: it reaches Services through the node's own kube-proxy.
 *
 *   PUT /flows/ID {url, rps, keepAlive}   ask for so many requests per second, each on a new connection unless keepAlive
 *   DELETE /flows/ID                      stop asking; what is under way ends
 *   POST /flows/ID/pause, /resume         keep a kept-alive connection open, ask nothing
 *   GET /flows                            what happened to each
 *   POST /once {url, bytes}               one POST with a random body: status, hash right, milliseconds
 */
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { json, readJson } from './http-json.ts';

interface Flow {
  url: string;
  rps: number;
  keepAlive: boolean;
  paused: boolean;
  sent: number;
  ok: number;
  inFlight: number;
  slowestMs: number;
  errors: { at: string; text: string }[];
  agent: http.Agent | false;
  timer: NodeJS.Timeout;
}

const flows = new Map<string, Flow>();
const timeoutMs = 60_000;
let serial = 0;

/** One request; resolves with the status, or rejects as the socket did. */
function ask(url: string, agent: http.Agent | false, body?: Buffer): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, {
      method: body ? 'POST' : 'GET',
      agent,
      headers: { 'x-request-id': `${process.pid}-${(serial += 1)}`, ...(body && { 'content-length': body.length }) },
    });
    request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    request.end(body);
  });
}

async function one(flow: Flow): Promise<void> {
  if (flow.paused || (flow.keepAlive && flow.inFlight > 0)) return;
  flow.sent += 1;
  flow.inFlight += 1;
  const begin = performance.now();
  try {
    const { status, text } = await ask(flow.url, flow.agent);
    if (status === 200) flow.ok += 1;
    else flow.errors.push({ at: new Date().toISOString(), text: `${status}: ${text.slice(0, 300)}` });
  } catch (error) {
    flow.errors.push({ at: new Date().toISOString(), text: String(error) });
  }
  flow.inFlight -= 1;
  flow.slowestMs = Math.max(flow.slowestMs, performance.now() - begin);
}

function start(id: string, { url, rps, keepAlive }: { url: string; rps: number; keepAlive: boolean }): void {
  stop(id);
  const flow: Flow = {
    url,
    rps,
    keepAlive,
    paused: false,
    sent: 0,
    ok: 0,
    inFlight: 0,
    slowestMs: 0,
    errors: [],
    agent: keepAlive ? new http.Agent({ keepAlive: true, maxSockets: 1 }) : false,
    timer: setInterval(() => void one(flow), 1000 / rps),
  };
  flows.set(id, flow);
}

function stop(id: string): void {
  clearInterval(flows.get(id)?.timer);
  flows.delete(id);
}

async function once({ url, bytes }: { url: string; bytes: number }): Promise<object> {
  const body = randomBytes(bytes);
  const sha256 = createHash('sha256').update(body).digest('hex');
  const begin = performance.now();
  const { status, text } = await ask(url, false, body);
  const ms = Math.round(performance.now() - begin);
  const answer = status === 200 ? (JSON.parse(text) as { bodySha256?: string }) : {};
  return { status, ms, hashRight: answer.bodySha256 === sha256, ...(status !== 200 && { text: text.slice(0, 500) }) };
}

function told(): object {
  return Object.fromEntries(
    [...flows].map(([id, { sent, ok, inFlight, slowestMs, errors }]) => [
      id,
      { sent, ok, inFlight, slowestMs: Math.round(slowestMs), failed: errors.length, errors: errors.slice(0, 20) },
    ]),
  );
}

const server = http.createServer(async (request, response) => {
  const [, noun = '', id = '', verb = ''] = (request.url ?? '').split('/').map(decodeURIComponent);
  try {
    if (noun === 'once') return json(response, 200, await once((await readJson(request)) as never));
    if (noun !== 'flows') return json(response, 404, { error: `no such thing: ${request.url}` });
    if (request.method === 'PUT') start(id, (await readJson(request)) as never);
    const flow = flows.get(id);
    if (flow && (verb === 'pause' || verb === 'resume')) flow.paused = verb === 'pause';
    const before = told();
    if (request.method === 'DELETE') stop(id);
    return json(response, 200, before);
  } catch (error) {
    return json(response, 500, { error: String(error) });
  }
});
// Longer than the API server keeps its connections to us: it would send on one that we are just closing.
server.keepAliveTimeout = 120_000;
server.listen(Number(process.env['PORT'] ?? 9000), '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));

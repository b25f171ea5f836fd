import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import http2 from 'node:http2';
import type { Answer, Ask } from './asks.ts';
import { acceptOf, frameOf, grpcMessage, readFrame } from './wire.ts';

type Outcome = Omit<Answer, 'ms'>;
/** The signal ends the request. */
type Timed = Ask & { readonly signal: AbortSignal };

const agents = new Map<string, http.Agent>();
const sessions = new Map<string, http2.ClientHttp2Session>();
const bodyBytes = 1_000_000;

function agentOf({ kept }: Ask): http.Agent | false {
  if (kept === undefined) return false;
  const agent = agents.get(kept) ?? new http.Agent({ keepAlive: true, maxSockets: 1 });
  agents.set(kept, agent);
  return agent;
}

function requestOf(ask: Timed, method: string, path: string, more: http.OutgoingHttpHeaders = {}): http.ClientRequest {
  const { url, host, userAgent, kept, signal } = ask;
  const headers = {
    ...(host && { host }),
    ...(userAgent && { 'user-agent': userAgent }),
    ...(kept === undefined && !('connection' in more) && { connection: 'close' }),
    ...more,
  };
  return http.request(new URL(path, url), { method, agent: agentOf(ask), headers, signal });
}

function answered(request: http.ClientRequest): Promise<{ response: http.IncomingMessage; text: string }> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject).on('end', () => resolve({ response, text }));
    });
  });
}

async function byHttp(ask: Timed): Promise<Outcome> {
  const body = ask.protocol === 'post' ? randomBytes(bodyBytes) : undefined;
  const id = randomBytes(8).toString('hex');
  const length = body && { 'content-length': body.length };
  const request = requestOf(ask, body ? 'POST' : 'GET', `/?id=${id}`, { ...length });
  request.end(body);
  const { response, text } = await answered(request);
  const status = response.statusCode ?? 0;
  const isJson = response.headers['content-type'] === 'application/json';
  const said = isJson ? (JSON.parse(text) as { url?: string; bodySha256?: string }) : {};
  const isRight =
    said.url?.includes(id) && (!body || said.bodySha256 === createHash('sha256').update(body).digest('hex'));
  return { ok: status === 200 && isRight === true, status, text: text.slice(0, 600), reused: request.reusedSocket };
}

async function bySse(ask: Timed): Promise<Outcome> {
  const request = requestOf(ask, 'GET', '/events', { accept: 'text/event-stream' });
  request.end();
  const { response, text } = await answered(request);
  const status = response.statusCode ?? 0;
  const isStream = response.headers['content-type'] === 'text/event-stream';
  const events = text.match(/^data: \S+ [123]$/gm)?.length;
  return { ok: status === 200 && isStream && events === 3, status, text, reused: request.reusedSocket };
}

/** The upgrade may go over a kept connection, which is not one of the agent's any more then. */
function byWebSocket(ask: Timed): Promise<Outcome> {
  const key = randomBytes(16).toString('base64');
  const request = requestOf(ask, 'GET', '/socket', {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': key,
  });
  request.end();
  const refused = answered(request).then(({ response, text }): Outcome => {
    return { ok: false, status: response.statusCode ?? 0, text: text.slice(0, 600), reused: request.reusedSocket };
  });
  const upgraded = new Promise<Outcome>((resolve, reject) => {
    request.on('upgrade', (response, socket, head) => {
      const word = randomBytes(8).toString('hex');
      let pending: Buffer = head;
      socket.on('error', reject).on('close', () => reject(new Error('closed before it answered')));
      socket.write(frameOf(1, Buffer.from(word), randomBytes(4)));
      socket.on('data', (chunk: Buffer) => {
        pending = Buffer.concat([pending, chunk]);
        const frame = readFrame(pending);
        if (!frame) return;
        const text = frame.payload.toString();
        const isAccepted = response.headers['sec-websocket-accept'] === acceptOf(key);
        resolve({ ok: isAccepted && text === `echo: ${word}`, status: 101, text, reused: request.reusedSocket });
        socket.end(frameOf(8, Buffer.alloc(0), randomBytes(4)));
      });
    });
  });
  return Promise.race([upgraded, refused]);
}

/** A session that has ended is made anew, as gRPC's own clients do. */
function sessionOf({ url, kept }: Ask): { session: http2.ClientHttp2Session; reused: boolean } {
  const standing = kept === undefined ? undefined : sessions.get(kept);
  if (standing && !standing.closed && !standing.destroyed) return { session: standing, reused: true };
  const session = http2.connect(url);
  session.on('error', () => undefined);
  session.on('goaway', () => session.close());
  if (kept !== undefined) sessions.set(kept, session);
  return { session, reused: false };
}

function byGrpc(ask: Timed): Promise<Outcome> {
  const { session, reused } = sessionOf(ask);
  const word = randomBytes(8).toString('hex');
  return new Promise<Outcome>((resolve, reject) => {
    session.on('error', reject);
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': '/echo.Echo/Say',
        ...(ask.host && { ':authority': ask.host }),
        'content-type': 'application/grpc',
        te: 'trailers',
      },
      { signal: ask.signal },
    );
    const chunks: Buffer[] = [];
    let head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
    let trailers: http2.IncomingHttpHeaders = {};
    stream.on('response', (headers) => (head = headers)).on('trailers', (headers) => (trailers = headers));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
    stream.on('end', () => {
      const status = head[':status'] ?? 0;
      const grpcStatus = trailers['grpc-status'] ?? head['grpc-status'];
      const said = Buffer.concat(chunks).subarray(5).toString();
      const text = grpcStatus === '0' ? said : `grpc-status ${grpcStatus}: ${head['grpc-message'] ?? ''}`;
      resolve({ ok: status === 200 && text === `echo: ${word}`, status, text, reused });
    });
    stream.end(grpcMessage(word));
  }).finally(() => {
    session.removeListener('error', () => undefined);
    if (ask.kept === undefined) session.close();
  });
}

const ways = { get: byHttp, post: byHttp, sse: bySse, websocket: byWebSocket, grpc: byGrpc };

/** Asks once, and waits for the end; never rejects for what became of the request. */
export async function carryOut(ask: Ask): Promise<Answer> {
  const begin = performance.now();
  const { timeoutMs = 60_000 } = ask;
  const end = new AbortController();
  const late = new Error(`no answer within ${timeoutMs} ms`);
  const timer = setTimeout(() => end.abort(late), timeoutMs);
  const outcome = await ways[ask.protocol]({ ...ask, signal: end.signal }).catch((error: unknown): Outcome => {
    return { ok: false, text: end.signal.aborted ? late.message : String(error), reused: false };
  });
  clearTimeout(timer);
  return { ...outcome, ms: Math.round(performance.now() - begin) };
}

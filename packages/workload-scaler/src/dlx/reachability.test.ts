import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createFakeClock } from '@scaler/testing-kit';
import { createReachability, type Unreached, type DlxPath } from './reachability.ts';

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

const ref = { namespace: 'shop', name: 'web' };
const never = new AbortController().signal;

/** What is found by one path to a DLX that answers so. */
async function found(ask: DlxPath['ask'], answer: RequestListener): Promise<Unreached | undefined> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return createReachability(createFakeClock()).try(ref, [{ address: '127.0.0.1', port, ask }], never);
}

function says(status: number, body: object, type = 'application/json'): RequestListener {
  return (_request, response) => void response.writeHead(status, { 'Content-Type': type }).end(JSON.stringify(body));
}

test.each<[string, number, object, RegExp | undefined]>([
  ['that it does', 200, { replica: 'a', ok: true, reasons: [] }, undefined],
  ['why it does not', 200, { replica: 'a', ok: false, reasons: ['one', 'two'] }, /says: one; two$/],
  ['something that is no answer', 200, {}, /answered a preflight with reasons undefined$/],
  ['that it cannot', 500, { ok: true }, /answered 500 to a preflight$/],
])(
  'where nothing can be said on a port its DLX is asked whether it reaches a pod: it says %s',
  async (_, ...answer) => {
    const [status, body, problem] = answer;
    const unreached = await found('preflight', says(status, body));
    if (problem === undefined) expect(unreached).toBeUndefined();
    else expect(unreached).toEqual({ failures: 1, problem: expect.stringMatching(problem) });
  },
);

test('what a DLX says by itself, to whom it does not wake for, is no answer of a pod: it knows of none yet', async () => {
  // As the DLX answers in place of pods: health checks get 200, scrapes are refused.
  const asleep: RequestListener = (request, response) => {
    if (request.headers['user-agent']?.startsWith('kube-probe/')) response.writeHead(200).end();
    else says(503, { code: 'not-woken' }, 'application/problem+json')(request, response);
  };
  expect((await found({ path: '/healthz' }, asleep))?.problem).toMatch(/answered 503 not-woken instead of a pod/);
});

test('the question names the resource', async () => {
  const asked: string[] = [];
  await found('preflight', (request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${body}`);
      response.end('{"ok":true}');
    });
  });
  expect(asked).toEqual(['POST /preflight {"resource":{"namespace":"shop","name":"web"}}']);
});

test('an answer of a pod is one, whatever its status; what the DLX could not forward is not, with a hint where it may help', async () => {
  const path = '/healthz';
  expect(await found({ path }, says(404, {}))).toBeUndefined();
  const problem = (code: string): RequestListener => says(502, { code }, 'application/problem+json');
  expect((await found({ path }, problem('upstream-connect')))?.problem).toMatch(
    /answered 502 upstream-connect instead/,
  );
  expect((await found({ path }, problem('upstream-reset')))?.problem).toMatch(
    /instead of a pod; .* scaler\/tcp-ports$/,
  );
  expect((await found({ path }, (request) => request.socket.destroy()))?.problem).toMatch(/did not answer: /);
});

/** Two ports of a DLX, and what each was asked with. */
async function ports(answer: RequestListener, control: boolean) {
  const seen: string[] = [];
  const listens = async (name: string): Promise<number> => {
    const server = createServer((request, response) => {
      seen.push(`${name}: ${request.headers.authorization ?? 'no token'}`);
      answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    open.push(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  const infra = await listens('infra');
  const second = await listens('control');
  if (!control) open.pop()?.();
  const dlxPath: DlxPath = { address: '127.0.0.1', port: infra, control: second, ask: 'preflight' };
  const reach = createReachability(createFakeClock(), () => Promise.resolve('secret'));
  return { seen, unreached: await reach.try(ref, [dlxPath], never) };
}

test('with a token the control port is asked, and of a DLX of before the infrastructure port, which does not see it', async () => {
  const ok = says(200, { replica: 'a', ok: true, reasons: [] });
  expect(await ports(ok, true)).toEqual({ seen: ['control: Bearer secret'], unreached: undefined });
  expect(await ports(ok, false)).toEqual({ seen: ['infra: no token'], unreached: undefined });
});

test('a token that the DLX does not take is not got round, and always is not entered', async () => {
  const { seen, unreached } = await ports(says(401, {}), true);
  expect(seen).toEqual(['control: Bearer secret']);
  expect(unreached?.problem).toMatch(/answered 401 to a preflight$/);
});

test.each(['preflight' as const, { path: '/' }])(
  'an answer without an end is an answer, and is cut: %j',
  async (ask) => {
    const endless: RequestListener = (_request, response) => {
      const more = (): void => {
        while (response.write('x'.repeat(1_000)));
        response.once('drain', more);
      };
      more();
    };
    const unreached = await found(ask, endless);
    if (ask === 'preflight') expect(unreached?.problem.length).toBeLessThan(400);
    else expect(unreached).toBeUndefined();
  },
);

test('who goes over to another protocol has not answered, and is not waited for', async () => {
  const over: RequestListener = ({ socket }) =>
    void socket.write('HTTP/1.1 101 So\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
  expect((await found('preflight', over))?.problem).toMatch(/gave no answer$/);
});

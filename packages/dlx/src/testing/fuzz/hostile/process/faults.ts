// Preloaded into a DLX to see that the hostile fuzzer finds what it looks for: a request with the header `x-fault` in HTTP/1
// has the process go wrong in the way that it names.
import { channel } from 'node:diagnostics_channel';
import { openSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

const kept: unknown[] = [];
let breaksNeighbour = false;
let losesOne = false;

const faults: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => void>> = {
  exit: () => {
    throw new Error('a fault that is to be found');
  },
  spin: () => {
    for (;;);
  },
  turn: () => {
    const { user, system } = process.threadCpuUsage();
    for (let now = { user, system }; now.user + now.system - user - system < 150_000;) now = process.threadCpuUsage();
  },
  leak: () => kept.push(Buffer.alloc(400 * 2 ** 20, 1)),
  lost: () => (losesOne = true),
  descriptors: () => {
    for (let i = 0; i < 20; i++) kept.push(openSync('/dev/null', 'r'));
  },
  answer: (request) => request.socket.destroy(),
  neighbour: () => (breaksNeighbour = true),
};

channel('http.server.request.start').subscribe((message) => {
  const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
  if (breaksNeighbour && request.url?.startsWith('/neighbour') === true) request.socket.destroy();
  if (losesOne && request.url === '/metrics') loseOne(response);
  // The DLX leaves fields as they came.
  const { rawHeaders } = request;
  faults[rawHeaders[rawHeaders.indexOf('x-fault') + 1] ?? '']?.(request, response);
});

/** As if one more had been accepted than ended. */
function loseOne(response: ServerResponse): void {
  const end = response.end.bind(response) as (body: string) => ServerResponse;
  response.removeHeader('content-length');
  response.end = ((body: unknown) =>
    end(
      String(body).replace(/^(scaler_dlx_accepted_total) (\d+)$/m, (_, name, n) => `${name} ${Number(n) + 1}`),
    )) as never;
}

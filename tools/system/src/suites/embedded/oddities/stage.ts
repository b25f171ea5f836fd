import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDlx, dataSettings, settings } from '@scaler/dlx';
import { createMetrics, loadConfig } from '@scaler/runtime';
import { type Resource, type ResourceScaler, systemClock } from '@scaler/scaler-types';
import { silentLogger } from '@scaler/testing-kit';
import { plainAnswer, type Row } from './rows.ts';
import { askStream, startStreamApp, type StreamRow } from './streams.ts';
import { ask } from './talk.ts';

/** What a client gets by each way. */
export interface Told {
  readonly direct: string;
  readonly warm: string;
  readonly cold: string;
  readonly nginx: string;
}

/** The endpoint, and the three ways to it. */
export interface Stage extends AsyncDisposable {
  try(row: Row): Promise<Told>;
  /** The same in HTTP/2. */
  tryStream(row: StreamRow): Promise<Told>;
}

const warm = 'warm';

/** Each row finds a sleeper of its own, by its number. */
export async function openStage(sleepers: number): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const app = await startApp();
  stack.defer(() => app.close());
  const streamApp = await startStreamApp();
  stack.defer(() => streamApp.close());
  const dlx = await startDlx((name) => (name.startsWith('h2-') ? streamApp.port : app.port), sleepers);
  stack.defer(() => dlx.close());
  const nginx = await startNginx(app.port, streamApp.port);
  stack.defer(() => nginx.close());
  const all = stack.move();
  let asleep = 0;
  return {
    async try(row) {
      app.play(row);
      return {
        direct: await ask(app.port, row, warm),
        warm: await ask(dlx.port, row, warm),
        cold: await ask(dlx.port, row, `cold-${asleep++}`),
        nginx: await ask(nginx.port, row, warm),
      };
    },
    async tryStream(row) {
      streamApp.play(row);
      return {
        direct: await askStream(streamApp.port, row, warm),
        warm: await askStream(dlx.port, row, `h2-${warm}`),
        cold: await askStream(dlx.port, row, `h2-cold-${asleep++}`),
        nginx: await askStream(nginx.streamPort, row, warm),
      };
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Answers as the row says that is played. */
async function startApp(): Promise<{ port: number; play(row: Row): void; close(): void }> {
  let row: Row = { what: '', head: '' };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let came = '';
    let told = false;
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      came += chunk.toString('latin1');
      const head = /^[\s\S]*?\r?\n\r?\n/.exec(came)?.[0];
      if (head === undefined) return;
      const { answer = plainAnswer, closes, continues } = row;
      if (closes === true) {
        socket.pause();
        socket.write(answer, 'latin1', () => socket.destroy());
        return;
      }
      const asks = /^expect:/im.test(head);
      if (asks && continues === true && !told) {
        told = true;
        socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      }
      if (!(asks && continues !== true) && !isWhole(head, came)) return;
      came = '';
      told = false;
      socket.write(answer, 'latin1');
    });
  });
  const port = await listen(server);
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, play: (next) => void (row = next), close };
}

function isWhole(head: string, came: string): boolean {
  if (/^transfer-encoding:/im.test(head)) return /(?:^|\n)0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(came);
  return came.length - head.length >= Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function startDlx(
  portOf: (name: string) => number,
  sleepers: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const target = (name: string): Resource => ({
    namespace: 'odd',
    name,
    scaleResources: [],
    targets: [{ service: name, port: 80 }],
  });
  const resources = ['', 'h2-'].flatMap((kind): Resource[] => [
    { ...target(`${kind}${warm}`), phase: 'awake', dlxSeesAll: true },
    ...Array.from({ length: sleepers }, (_, i): Resource => ({
      ...target(`${kind}cold-${i}`),
      phase: 'asleep',
      dlxSeesAll: true,
    })),
  ]);
  const scaler: ResourceScaler = {
    getConfig: () => ({}),
    getResources: async () => resources,
    setScale: async (which) => which.map((resource) => ({ resource, ok: true })),
    resolveServiceName: ({ name }) => `127.0.0.1:${portOf(name)}`,
  };
  const { values } = loadConfig(settings, { argv: ['--problem-details=full'], env: {} });
  const dlx = createDlx({
    scaler,
    metrics: createMetrics(),
    clock: systemClock,
    logger: silentLogger,
    identity: 'dlx-1',
    settings: dataSettings(values),
    listenHost: '127.0.0.1',
    listenPort: 0,
    trustedPeers: [],
    pollMs: 60_000,
  });
  const stop = new AbortController();
  const port = await dlx.listen();
  const running = dlx.run(stop.signal);
  await dlx.synced;
  return {
    port,
    async close() {
      stop.abort();
      await running;
      dlx.resources.close();
      dlx.core.upstreams.close();
      await dlx.server.close();
    },
  };
}

/** Debian's nginx as a plain reverse proxy, as its documentation has it for kept-alive connections and for upgrades. */
async function startNginx(
  appPort: number,
  streamAppPort: number,
): Promise<{ port: number; streamPort: number; close(): Promise<void> }> {
  await promisify(execFile)('nginx', ['-v']).catch(() => {
    throw new Error('nginx is missing; install it: apt-get install nginx-light');
  });
  const folder = await mkdtempDisposable(join(tmpdir(), 'scaler-nginx-'));
  const [port, streamPort] = [await freePort(), await freePort()];
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${folder.path}/${what};`,
  );
  const config = `
daemon off; master_process off; pid ${folder.path}/pid; error_log stderr crit;
events {}
http {
  access_log off; ${temp.join(' ')} client_max_body_size 0;
  upstream app { server 127.0.0.1:${appPort}; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://app; proxy_http_version 1.1; proxy_request_buffering off;
      proxy_set_header Connection ""; proxy_set_header Host $http_host;
    }
  }
  server {
    listen 127.0.0.1:${streamPort} http2;
    location / { grpc_pass grpc://127.0.0.1:${streamAppPort}; }
  }
}`;
  await writeFile(join(folder.path, 'nginx.conf'), config);
  const child = spawn('nginx', ['-p', folder.path, '-e', 'stderr', '-c', join(folder.path, 'nginx.conf')], {
    stdio: 'ignore',
  });
  const close = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    await folder.remove();
  };
  for (let i = 0; i < 100; i++) {
    if (
      (await ask(port, { head: 'GET / HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n' }, warm).catch(
        () => undefined,
      )) !== undefined
    )
      break;
  }
  return { port, streamPort, close };
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  return port;
}

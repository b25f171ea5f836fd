import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach } from '@jest/globals';
import type { Endpoint } from '@scaler/scaler-types';
import { endpoint, until } from '../harness.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** Starts a server in a process of its own, which tells its port first. */
async function startChild(program: string): Promise<{ child: ChildProcess; endpoint: Endpoint }> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  open.push(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  const [port] = (await once(child, 'message')) as [number];
  return { child, endpoint: endpoint(port) };
}

/** An app on a node that can be cut off: while it is the kernel drops what asks for a connection. */
export interface BlackHole {
  readonly endpoint: Endpoint;
  /** Resolves once no connection comes through any more. */
  cutOff(): Promise<void>;
  /** Resolves once it answers again. */
  comeBack(): Promise<void>;
}

const holeProgram = `
  const server = require('node:http').createServer((req, res) => res.end('back'));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => process.send(server.address().port));
`;

export async function startBlackHole(): Promise<BlackHole> {
  const { child, endpoint } = await startChild(holeProgram);
  const fillers: Socket[] = [];
  return {
    endpoint,
    async cutOff() {
      child.kill('SIGSTOP');
      // The kernel goes on accepting until its queue is full.
      do fillers.push(connectTo(endpoint));
      while (await comesThrough(fillers.at(-1) as Socket));
    },
    async comeBack() {
      for (const socket of fillers) socket.destroy();
      child.kill('SIGCONT');
      let socket = connectTo(endpoint);
      while (!(await comesThrough(socket))) socket = connectTo(endpoint);
      // Answered, it has taken from the kernel's queue what came before.
      socket.write('GET / HTTP/1.1\r\nhost: hole\r\nconnection: close\r\n\r\n');
      await once(socket, 'data');
    },
  };
}

function connectTo({ address: host, port }: Endpoint): Socket {
  const socket = connect({ host, port });
  socket.on('error', () => {});
  open.push(async () => void socket.destroy());
  return socket;
}

function comesThrough(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), 150);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

/** An app with a listen backlog of 16 that takes one connection, serves one request on it, closes it, takes the next. */
export interface SerialApp {
  readonly endpoint: Endpoint;
  /** Paths, in order of service, once that many were served. */
  served(count: number): Promise<string[]>;
}

// Node takes the next connection when the listener returns, so everything in it blocks.
const serialProgram = `
  const { readSync, writeSync } = require('node:fs');
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const buffer = Buffer.alloc(65536);
  const readHead = (fd) => {
    for (const endsAt = Date.now() + 2000; Date.now() < endsAt; Atomics.wait(nap, 0, 0, 0.1)) {
      try {
        return buffer.toString('latin1', 0, readSync(fd, buffer));
      } catch (error) {
        if (error.code !== 'EAGAIN') return '';
      }
    }
    return '';
  };
  const server = require('node:net').createServer({ pauseOnConnect: true }, (socket) => {
    const { fd } = socket._handle;
    const path = readHead(fd).split(' ', 2)[1];
    if (path !== undefined) {
      Atomics.wait(nap, 0, 0, 0.5);
      writeSync(fd, 'HTTP/1.1 200 OK\\r\\nconnection: close\\r\\ncontent-length: ' + path.length + '\\r\\n\\r\\n' + path);
      process.send(path);
    }
    socket.destroy();
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 16 }, () => process.send(server.address().port));
`;

export async function startSerialApp(): Promise<SerialApp> {
  const { child, endpoint } = await startChild(serialProgram);
  const paths: string[] = [];
  child.on('message', (path: string) => paths.push(path));
  return {
    endpoint,
    async served(count) {
      await until(() => paths.length >= count, `${count} are served`);
      return paths;
    },
  };
}

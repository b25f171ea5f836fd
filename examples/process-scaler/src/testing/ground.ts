import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@scaler/scaler-types';

/** A folder with a declaration of a process, `local/web`, which answers its pid and writes down each start. */
export interface Ground {
  file: string;
  controlPort: number;
  /** The port of the process. */
  port: number;
  /** The DLX's own port for it. */
  listenPort: number;
  /** Pids, one for each start. */
  starts(): Promise<readonly string[]>;
  /** Waits until the owner and its process have ended, then removes the folder. */
  remove(): Promise<void>;
}

const program = `
  require('node:fs').appendFileSync('starts', process.pid + '\\n');
  const server = require('node:http').createServer((request, response) => {
    request.resume().on('end', () => response.end(String(process.pid)));
  });
  server.listen(Number(process.argv[1]), '127.0.0.1');
  process.on('SIGTERM', () => server.close(() => process.exit(0)) && server.closeIdleConnections());
`;

/** @param others further processes, with a free port for one of them. */
export async function prepareGround(
  changes: object = {},
  others: (port: number) => readonly object[] = () => [],
): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'scaler-processes-'));
  const [controlPort = 0, port = 0, listenPort = 0, otherPort = 0] = await freePorts(4);
  const file = join(folder, 'processes.json');
  const command = [process.execPath, '-e', program, String(port)];
  const web = { name: 'web', port, listenPort, idleAfter: '300ms', command, ...changes };
  await writeFile(file, JSON.stringify({ controlPort, processes: [web, ...others(otherPort)] }));
  return {
    ...{ file, controlPort, port, listenPort },
    starts: async () => (await readFile(join(folder, 'starts'), 'utf8').catch(() => '')).split('\n').slice(0, -1),
    async remove() {
      while (
        await fetch(`http://127.0.0.1:${controlPort}/file`).then(
          () => true,
          () => false,
        )
      )
        await systemClock.sleep(50);
      await rm(folder, { recursive: true });
    },
  };
}

/** Ports that are free now; another program may still take them. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

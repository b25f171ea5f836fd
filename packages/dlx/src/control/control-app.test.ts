// The program itself, with a token: which port answers what, and that it ends well.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test } from '@jest/globals';

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

const scaler = `
export const contractVersion = '0.1';
export function createResourceScaler() {
  const web = { namespace: 'default', name: 'web', phase: 'awake', hosts: ['web'], targets: [{ service: 'web', port: 80 }] };
  return {
    getConfig: () => ({}),
    getResources: async () => [web],
    setScale: async ([resource]) => [{ resource, ok: true }],
    resolveServiceName: () => '127.0.0.1:9',
  };
}
`;

interface Address {
  readonly port: number;
}
type Listening = Record<'infra' | 'admin', Address> & { control?: Address; port: number };

/** What the program says that it listens on. */
async function start(folder: string, more: string[]): Promise<Listening> {
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(join(folder, 'scaler.js'), scaler);
  const ports = ['--listen-port', '--infra-port', '--admin-port', '--control-port'].flatMap((flag) => [flag, '0']);
  const flags = ['--scaler', './scaler.js', '--listen-host', '127.0.0.1', '--propagate', '10ms', ...ports, ...more];
  const main = join(import.meta.dirname, '../main.ts');
  child = spawn(process.execPath, ['--conditions=@scaler/source', main, ...flags], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const heard: string[] = [];
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    heard.push(line);
    if (line.includes('"msg":"listening"')) return JSON.parse(line) as Listening;
  }
  throw new Error(`it does not listen: ${heard.join('\n')}`);
}

async function statuses(port: number, token?: string): Promise<number[]> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const url = `http://127.0.0.1:${port}`;
  const body = JSON.stringify({ resource: { namespace: 'default', name: 'web' }, epoch: 'e1' });
  const answers = await Promise.all([
    fetch(`${url}/activity`, { headers }),
    fetch(`${url}/fence`, { method: 'POST', body, headers }),
    fetch(`${url}/preflight`, { method: 'POST', body, headers }),
    fetch(`${url}/healthz`, { headers }),
  ]);
  return answers.map(({ status }) => status);
}

test.each([true, false])(
  'with a token (%s) the control port answers what the autoscaler asks, and it ends well',
  async (has) => {
    const folder = mkdtempSync(join(tmpdir(), 'dlx-'));
    writeFileSync(join(folder, 'token'), 'secret\n');
    const { infra, control } = await start(folder, has ? ['--control-token-file', join(folder, 'token')] : []);
    if (has) {
      expect(await statuses(control?.port ?? 0, 'secret')).toEqual([200, 200, 200, 404]);
      expect(await statuses(control?.port ?? 0)).toEqual([401, 401, 401, 401]);
      expect(await statuses(infra.port)).toEqual([401, 401, 401, 200]);
      // A token that came by the wrong port opens nothing there.
      expect(await statuses(infra.port, 'secret')).toEqual([401, 401, 401, 200]);
    } else {
      expect(control).toBeUndefined();
      expect(await statuses(infra.port)).toEqual([200, 200, 200, 200]);
    }
    child?.kill('SIGTERM');
    expect(await once(child as ChildProcess, 'exit')).toEqual([0, null]);
    rmSync(folder, { recursive: true });
  },
);

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { must, until } from '@scaler/command';
import { root } from '../packages.ts';

/** A private registry of the scopes of this check; every other package comes from where npm has them. */
export interface Registry extends AsyncDisposable {
  readonly url: string;
  /** The settings of npm that use it, for `NPM_CONFIG_USERCONFIG`. */
  readonly npmrc: string;
}

const scopes = ['@scaler', '@acme'];

export async function startRegistry(folder: string): Promise<Registry> {
  await mkdir(folder);
  const config = {
    storage: join(folder, 'storage'),
    auth: { htpasswd: { file: join(folder, 'htpasswd'), max_users: -1 } },
    packages: { '**': { access: '$all', publish: '$all' } },
    log: { type: 'stdout', level: 'warn' },
  };
  // JSON is YAML.
  await writeFile(join(folder, 'config.yaml'), JSON.stringify(config));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = ['--config', join(folder, 'config.yaml'), '--listen', `127.0.0.1:${port}`];
  const child = spawn(join(root, 'node_modules/.bin/verdaccio'), args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const closed = once(child, 'close');
  await until('the private registry', 30_000, async () => ((await fetch(`${url}/-/ping`)).ok ? true : undefined));
  return {
    url,
    npmrc: await writeNpmrc(join(folder, 'npmrc'), url),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await closed;
    },
  };
}

/** The settings of this user, and the scopes. Variables would do, were it not for shells, which leave out names like these. */
async function writeNpmrc(file: string, url: string): Promise<string> {
  const own = await readFile(await must('npm', ['config', 'get', 'userconfig']), 'utf8').catch(() => '');
  // npm sends nothing without a token; the registry takes any.
  const token = `${url.replace('http:', '')}/:_authToken=any`;
  await writeFile(file, [own, ...scopes.map((scope) => `${scope}:registry=${url}`), token, ''].join('\n'));
  return file;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

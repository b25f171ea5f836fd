import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@scaler/scaler-types';
import { startApp } from './testing/app.ts';
import { freePorts, prepareGround } from './testing/ground.ts';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const scaler = fileURLToPath(new URL('./index.ts', import.meta.url));

/** The arguments of a command of the README, on ports that are free here. */
function argumentsOf(command: string, replaced: ReadonlyMap<string, string>): string[] {
  const line = readme.split('\n').find((one) => one.startsWith(`npx ${command} `)) ?? '';
  const words = line.split(' ').slice(2);
  return words.map((word) => {
    const old = [...replaced.keys()].find(
      (text) => word === text || word.endsWith(`=${text}`) || word.endsWith(`:${text}`),
    );
    return old === undefined ? word : word.slice(0, word.length - old.length) + replaced.get(old);
  });
}

async function ready(port: number): Promise<void> {
  const url = `http://127.0.0.1:${port}/readyz`;
  while (
    !(await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    await systemClock.sleep(50);
  }
}

test('the example works as it stands: both apps, a cold start with a body, idle, ended, and the next cold start', async () => {
  const ground = await prepareGround();
  const [shared = 0, infra = 0, admin = 0, infra2 = 0, admin2 = 0] = await freePorts(5);
  const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? '') as {
    processes: { command: string[] }[];
  };
  const [web] = example.processes;
  if (!web) throw new Error('no example');
  const command = [process.execPath, '-e', web.command[2]?.replace('3000', String(ground.port)) ?? ''];
  const { controlPort, port, listenPort } = ground;
  const declared = { ...web, command, port, listenPort, idleAfter: '1s' };
  await writeFile(ground.file, JSON.stringify({ ...example, controlPort, processes: [declared] }));
  const replaced = new Map([
    ['@scaler/process-scaler', scaler],
    ['processes.json', ground.file],
    ...Object.entries({ 8080: shared, 8081: infra, 8082: admin, 8091: infra2, 8092: admin2 }).map(
      ([old, now]) => [old, String(now)] as const,
    ),
  ]);
  const dlx = startApp('dlx', [...argumentsOf('scaler-dlx', replaced), '--propagate', '0', '--drain-timeout', '1s']);
  const autoscaler = startApp('autoscaler', argumentsOf('scaler-autoscaler', replaced));
  const post = async () => {
    const answer = await fetch(`http://127.0.0.1:${listenPort}/`, { method: 'POST', body: 'x'.repeat(100_000) });
    return { status: answer.status, text: await answer.text() };
  };
  try {
    await ready(infra);
    expect(await post()).toEqual({ status: 200, text: 'hello' });
    expect(await autoscaler.line(({ end }) => end === 'parked')).toMatchObject({ resource: 'web' });
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    expect(await post()).toEqual({ status: 200, text: 'hello' });
  } finally {
    await Promise.all([dlx.stop(), autoscaler.stop()]);
    await ground.remove();
  }
});

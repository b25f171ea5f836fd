import { expect, test } from '@jest/globals';
import { must, run, until } from './run.ts';

const node = (script: string): [string, string[]] => [process.execPath, ['-e', script]];

test('what a program printed; with its errors where it failed', async () => {
  expect(await run(...node('console.log("out"); console.error("err")'))).toEqual({ code: 0, text: 'out' });
  const failed = await run(...node('console.log("out"); console.error("err"); process.exitCode = 3'));
  expect(failed).toEqual({ code: 3, text: 'out\nerr' });
});

test('its folder and its standard input are given', async () => {
  expect(await must(...node('process.stdout.write(process.cwd())'), { cwd: '/' })).toBe('/');
  expect(await must(...node('process.stdin.pipe(process.stdout)'), { input: 'said' })).toBe('said');
});

test('one that must not fail, or that is not there, is an error that names it', async () => {
  await expect(must(...node('process.exit(3)'))).rejects.toThrow(/-e process.exit\(3\): exit code 3$/);
  await expect(must('no-such-program', [])).rejects.toThrow('no-such-program');
});

test('until: the first answer, or what was waited for and why there is none', async () => {
  let asked = 0;
  expect(await until('the second', 5_000, async () => (++asked === 2 ? asked : undefined))).toBe(2);
  await expect(until('rain', 1, () => Promise.reject(new Error('sunny')))).rejects.toThrow(
    'waited 0.001 s in vain for rain: Error: sunny',
  );
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine, must } from '@scaler/command';
import { root } from './packages.ts';
import { installInto, packAll, type Packed } from './stage.ts';

commandLine({
  name: 'npm run check:packages',
  doc: 'Checks what ships: pack, publint, attw, install into an empty folder, import, run.',
  examples: { '': 'two minutes' },
});

const bin = (name: string): string => join(root, 'node_modules/.bin', name);

/** Lints one tarball: its exports, and how TypeScript resolves them. */
async function lintPacked({ name, tarball }: Packed): Promise<void> {
  await must(bin('publint'), [tarball, '--strict'], { cwd: root });
  await must(bin('attw'), [tarball, '--profile', 'esm-only'], { cwd: root });
  console.log(`${name}: publint and attw find nothing`);
}

/** Imports one installed package, and asks its programs for help. */
async function runInstalled(folder: string, { name, programs }: Packed): Promise<void> {
  const script = `const m = await import(${JSON.stringify(name)}); if (Object.keys(m).length === 0) throw new Error('exports nothing')`;
  await must(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
  for (const program of programs) {
    const help = await must(join(folder, 'node_modules/.bin', program), ['--help'], { cwd: folder });
    if (!help.includes('--')) throw new Error(`${program} --help prints no options:\n${help}`);
  }
  console.log(`${name}: imports${programs.map((p) => `, ${p} --help answers`).join('')}`);
}

const folder = await mkdtemp(join(tmpdir(), 'scaler-packages-'));
try {
  const packed = await packAll(join(folder, 'tarballs'));
  for (const pkg of packed) await lintPacked(pkg);
  const installed = join(folder, 'installed');
  await installInto(installed, packed);
  for (const pkg of packed) await runInstalled(installed, pkg);
} finally {
  await rm(folder, { recursive: true, force: true });
}

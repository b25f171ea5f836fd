import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine, must } from '@scaler/command';
import { type Clone, cloneInto } from './clone.ts';
import { compileExample, publishForeign } from './foreign.ts';
import { checkInstalled, versionsOf } from './installed.ts';
import { startRegistry } from './registry.ts';
import { scalers } from './scalers.ts';

const kinds = ['planned', 'patch', 'minor', 'major'] as const;
const { names } = commandLine({
  name: 'npm run release:check',
  doc: 'Releases in a clone, publishes to a private registry, installs by name, and runs both apps with three scalers.',
  names: { what: 'kind', doc: 'of release, each after the one before it; default: all', known: kinds },
  examples: { '': 'five minutes', planned: 'what the version plans say: two minutes' },
});

const wanted = ['autoscaler', 'dlx', 'deployment-scaler', 'process-scaler', 'testing-kit'].map(
  (one) => `@scaler/${one}`,
);
wanted.push('@acme/shop-scaler');

const beganMs = performance.now();
const say = (text: string): void =>
  console.log(`${((performance.now() - beganMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);
const place = await mkdtemp(join(tmpdir(), 'scaler-release-'));
try {
  await using registry = await startRegistry(join(place, 'registry'));
  // npm itself gives its settings to what it runs in small letters.
  const { npmrc } = registry;
  Object.assign(process.env, { NPM_CONFIG_USERCONFIG: npmrc, npm_config_userconfig: npmrc, NX_DAEMON: 'false' });
  // The clone is no fork that could be told from the repository.
  delete process.env['GITHUB_REPOSITORY'];
  const clone = await cloneInto(place);
  const used = await clone.run('npm', 'config', 'get', '@scaler:registry');
  if (used !== registry.url) throw new Error(`npm would publish to ${used}, and not to ${registry.url}`);
  say('cloned');
  for (const kind of kinds.filter((one) => names.length === 0 || names.includes(one))) {
    const versions = await release(clone, kind);
    say(`${kind}: released and published ${versions}`);
    await publishForeign(join(place, 'foreign'));
    const installed = join(place, kind);
    await mkdir(installed);
    await must('npm', ['install', '--prefer-offline', ...wanted], { cwd: installed });
    const count = await checkInstalled(installed, clone.folder, '@acme/shop-scaler');
    await compileExample(installed, clone.folder);
    say(`${kind}: installed ${wanted.join(', ')}; ${count} packages of ours are whole`);
    for (const [name, check] of Object.entries(scalers)) {
      await check(installed, (text) => say(`${kind}: ${name}: ${text}`));
    }
  }
} finally {
  await rm(place, { recursive: true, force: true });
}

/** The commands of the release workflow, and a look at what it leaves behind. */
async function release(clone: Clone, kind: (typeof kinds)[number]): Promise<string> {
  const planned = existsSync(join(clone.folder, '.nx/version-plans'));
  if (kind !== 'planned' || !planned) await plan(clone, kind === 'planned' ? 'patch' : kind);
  await clone.run('npm', 'run', 'release', '--', '--push', 'main');
  await clone.run('npm', 'ci', '--dry-run', '--ignore-scripts');
  await clone.run('npm', 'run', 'build');
  await clone.run('npx', 'nx', 'release', 'publish');
  await checkImages(clone);
  const commit = await clone.run('git', 'rev-parse', 'HEAD');
  const [pushed, changed] = await Promise.all([
    must('git', ['ls-remote', clone.origin]),
    clone.run('git', 'status', '--porcelain'),
  ]);
  if (changed !== '') throw new Error(`the release commit lacks ${changed}`);
  if (!pushed.includes(`${commit}\trefs/heads/main`)) throw new Error(`the commit ${commit} is not pushed:\n${pushed}`);
  const versions = await versionsOf(clone.folder);
  for (const [name, version] of versions) {
    if (!pushed.includes(`refs/tags/${name}@${version}\n`)) throw new Error(`the tag ${name}@${version} is not pushed`);
  }
  const chart = await clone.run('git', 'diff', '--unified=0', 'HEAD~1', '--', 'charts/scaler/Chart.yaml');
  const [version, appVersion] = ['version', 'appVersion'].map(
    (key) => new RegExp(`^\\+${key}: (.*)$`, 'm').exec(chart)?.[1],
  );
  if (version === undefined || version !== appVersion) throw new Error(`the chart stays behind:\n${chart}`);
  return `${[...new Set(versions.values())].join(', ')}; chart and images ${version}`;
}

/** What the jobs of the images build from: npm has to take the lock that is made of the release's. */
async function checkImages({ folder, run }: Clone): Promise<void> {
  await run('npm', 'run', 'images', '--', '--stage-only');
  const args = ['ci', '--dry-run', '--omit=dev', '--ignore-scripts'];
  for (const app of ['autoscaler', 'dlx']) await must('npm', args, { cwd: join(folder, 'dist/images', app) });
}

async function plan({ folder, run }: Clone, kind: string): Promise<void> {
  const text = `---\n'@scaler/scaler-types': ${kind}\n'@scaler/runtime': ${kind}\n---\n\nA ${kind}.\n`;
  await mkdir(join(folder, '.nx/version-plans'), { recursive: true });
  await writeFile(join(folder, '.nx/version-plans/check.md'), text);
  await run('git', 'add', '.nx/version-plans');
  await run('git', 'commit', '--quiet', '--message', `plan: ${kind}`);
}

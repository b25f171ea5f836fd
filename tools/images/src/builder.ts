import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { must, run } from '@scaler/command';

export const builderNames = ['docker', 'podman', 'buildah'] as const;
export type BuilderName = (typeof builderNames)[number];

/** The inputs of one build. */
export interface Build {
  dockerfile: string;
  context: string;
  tag: string;
  args: Readonly<Record<string, string>>;
  /** The name of each secret → its file. */
  secrets: Readonly<Record<string, string>>;
}

/** A program that builds images: the operations in which the programs differ. */
export interface Builder {
  readonly name: BuilderName;
  build(build: Build): Promise<void>;
  /** Bytes of the unpacked image. */
  size(tag: string): Promise<number>;
  /** Writes a docker archive. */
  save(tag: string, file: string): Promise<void>;
  /** Loads an image from an archive; resolves with its name. */
  load(file: string): Promise<string>;
  /** Adds this machine's npm, which is in that folder, to an image; resolves with the new image. */
  withNpm(base: string, folder: string): Promise<string>;
}

/** @throws when no builder works here. */
export async function findBuilder(wanted?: string): Promise<Builder> {
  for (const name of builderNames) {
    if (wanted !== undefined && wanted !== name) continue;
    // docker's client may be installed without its daemon.
    const ran = await run(name, [name === 'buildah' ? '--version' : 'info']).catch(() => undefined);
    if (ran?.code === 0) return createBuilder(name);
  }
  throw new Error(
    `${wanted ?? builderNames.join(', ')}: not installed, or not working; install one of ${builderNames.join(', ')}`,
  );
}

function createBuilder(name: BuilderName): Builder {
  return {
    name,
    build: async ({ dockerfile, context, tag, args, secrets }) => {
      const given = Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
      const hidden = Object.entries(secrets).flatMap(([id, file]) => ['--secret', `id=${id},src=${file}`]);
      await must(name, ['build', '-f', dockerfile, '-t', tag, ...given, ...hidden, context]);
    },
    size: async (tag) => {
      if (name !== 'buildah') return Number(await must(name, ['image', 'inspect', '-f', '{{.Size}}', tag]));
      return sizeOfTree(tag);
    },
    save: async (tag, file) => {
      await mkdir(dirname(file), { recursive: true });
      await rm(file, { force: true });
      if (name === 'buildah') await must(name, ['push', tag, `docker-archive:${file}:${tag}`]);
      else await must(name, ['save', '-o', file, tag]);
    },
    load: async (file) => {
      if (name === 'buildah') return must(name, ['pull', '-q', `docker-archive:${file}`]);
      const said = await must(name, ['load', '-q', '-i', file]);
      return said.replace(/^Loaded image(\(s\))?( ID)?: /, '');
    },
    withNpm: (base, folder) => withNpm(name, base, folder),
  };
}

async function sizeOfTree(tag: string): Promise<number> {
  const container = await must('buildah', ['from', '--pull-never', tag]);
  try {
    const mounted = await must('buildah', ['mount', container]);
    return Number((await must('du', ['-sb', mounted])).split('\t')[0]);
  } finally {
    await must('buildah', ['rm', container]);
  }
}

async function withNpm(name: BuilderName, base: string, folder: string): Promise<string> {
  if (name !== 'buildah') throw new Error(`${name}: give --installer, an image with npm; only buildah adds one`);
  const tag = 'localhost/scaler-installer:latest';
  const npm = '/usr/local/lib/node_modules/npm';
  const container = await must('buildah', ['from', '--pull-never', base]);
  await must('buildah', ['copy', container, folder, npm]);
  const script = [
    // A base with busybox alone has no /usr/bin/env, which the first line of npm asks for.
    'mkdir -p /usr/bin',
    '[ -e /usr/bin/env ] || ln -s /bin/env /usr/bin/env',
    `ln -sf ${npm}/bin/npm-cli.js /usr/local/bin/npm`,
    `ln -sf ${npm}/bin/npx-cli.js /usr/local/bin/npx`,
  ];
  await must('buildah', ['run', container, '--', 'sh', '-ec', script.join('\n')]);
  await must('buildah', ['commit', '--rm', container, tag]);
  return tag;
}

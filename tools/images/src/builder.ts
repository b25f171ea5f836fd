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
  /** The name of each secret → its file, if there is one. */
  secrets: Readonly<Record<string, string | undefined>>;
}

/** @throws when no builder works here. */
export async function findBuilder(wanted?: string): Promise<Builder> {
  for (const name of builderNames) {
    if (wanted !== undefined && wanted !== name) continue;
    // docker's client may be installed without its daemon.
    const ran = await run(name, [name === 'buildah' ? '--version' : 'info']).catch(() => undefined);
    if (ran?.code === 0) return new Builder(name);
  }
  throw new Error(
    `${wanted ?? builderNames.join(', ')}: not installed, or not working; install one of ${builderNames.join(', ')}`,
  );
}

/** A program that builds images: the operations in which the programs differ. */
export class Builder {
  readonly name: BuilderName;

  constructor(name: BuilderName) {
    this.name = name;
  }

  async build({ dockerfile, context, tag, args, secrets }: Build): Promise<void> {
    const given = Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
    const hidden = Object.entries(secrets).flatMap(([id, file]) =>
      file === undefined ? [] : ['--secret', `id=${id},src=${file}`],
    );
    await must(this.name, ['build', '-f', dockerfile, '-t', tag, ...given, ...hidden, context]);
  }

  /** Bytes of the unpacked image. */
  async size(tag: string): Promise<number> {
    if (this.name !== 'buildah') return Number(await must(this.name, ['image', 'inspect', '-f', '{{.Size}}', tag]));
    const container = await must('buildah', ['from', '--pull-never', tag]);
    try {
      const mounted = await must('buildah', ['mount', container]);
      return Number((await must('du', ['-sb', mounted])).split('\t')[0]);
    } finally {
      await must('buildah', ['rm', container]);
    }
  }

  /** Writes a docker archive. */
  async save(tag: string, file: string): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    await rm(file, { force: true });
    if (this.name === 'buildah') await must('buildah', ['push', tag, `docker-archive:${file}:${tag}`]);
    else await must(this.name, ['save', '-o', file, tag]);
  }

  /** Loads an image from an archive; resolves with its name. */
  async load(file: string): Promise<string> {
    if (this.name === 'buildah') return must('buildah', ['pull', '-q', `docker-archive:${file}`]);
    const said = await must(this.name, ['load', '-q', '-i', file]);
    return said.replace(/^Loaded image(\(s\))?( ID)?: /, '');
  }

  /** Adds this machine's npm, which is in that folder, to an image; resolves with the new image. */
  async withNpm(base: string, folder: string): Promise<string> {
    if (this.name !== 'buildah')
      throw new Error(`${this.name}: give --installer, an image with npm; only buildah adds one`);
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
}

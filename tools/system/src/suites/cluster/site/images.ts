import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '@scaler/chart';
import { must } from '@scaler/command';
import { baseImage } from './find-kit.ts';
import type { ImageMaker } from './kit.ts';

/** The images of the pods, by the names for a pod's `image`. */
export interface Images {
  /** Those of the Dockerfiles. */
  readonly autoscaler: string;
  readonly dlx: string;
  /** Node.js with `programs/` in `/app`. */
  readonly app: string;
  /** nginx; undefined: it is not to be had. */
  readonly nginx: string | undefined;
}

type Say = (line: string) => void;

/**
 * Given by E2E_IMAGE_AUTOSCALER, E2E_IMAGE_DLX, E2E_IMAGE (`npm run e2e:image`) and E2E_IMAGE_NGINX; with the kit those
 * that are not given are built and given to its nodes.
 *
 * @throws naming what is missing.
 */
export async function findImages(maker: ImageMaker | undefined, say: Say): Promise<Images> {
  const given = {
    autoscaler: process.env['E2E_IMAGE_AUTOSCALER'],
    dlx: process.env['E2E_IMAGE_DLX'],
    app: process.env['E2E_IMAGE'],
    nginx: process.env['E2E_IMAGE_NGINX'],
  };
  const { autoscaler, dlx } =
    given.autoscaler && given.dlx
      ? (given as { autoscaler: string; dlx: string })
      : await builtByDockerfiles(need(maker, 'E2E_IMAGE_AUTOSCALER and E2E_IMAGE_DLX'), say);
  const app = given.app ?? (await appImage(need(maker, 'E2E_IMAGE')));
  const nginx = given.nginx ?? (maker && (await nginxImage(maker)));
  return { autoscaler, dlx, app, nginx };
}

function need(maker: ImageMaker | undefined, what: string): ImageMaker {
  if (!maker) throw new Error(`Set ${what} to images that the cluster's nodes can have; see tools/system/README.md.`);
  return maker;
}

async function builtByDockerfiles(maker: ImageMaker, say: Say): Promise<{ autoscaler: string; dlx: string }> {
  const folder = join(root, 'dist/scenario-images');
  await mkdir(folder, { recursive: true });
  process.env['STORAGE_DRIVER'] ??= 'vfs';
  process.env['BUILDAH_ISOLATION'] ??= 'chroot';
  say('building the images of both apps');
  const ca = '/etc/ssl/certs/ca-certificates.crt';
  const more = existsSync(ca) ? ['--ca', ca] : [];
  const args = ['run', '--silent', 'images', '--', '--base', `docker-archive:${baseImage}`, ...more, '--save', folder];
  await must('npm', args);
  const [autoscaler = '', dlx = ''] = await Promise.all(
    ['autoscaler', 'dlx'].map((name) => maker.load(join(folder, `scaler-${name}.tar`))),
  );
  return { autoscaler, dlx };
}

function appImage(maker: ImageMaker): Promise<string> {
  const programs = `${join(import.meta.dirname, '../programs')}:/app/programs`;
  return maker.image('scaler-scenarios:1', '-base', 'node', '-workdir', '/app', programs);
}

/** Debian's, taken from this machine. */
async function nginxImage(maker: ImageMaker): Promise<string | undefined> {
  const program = '/usr/sbin/nginx';
  if (!existsSync(program)) return undefined;
  return maker.image('scaler-nginx:1', '-base', 'node', '-program', `${program}:${program}`);
}

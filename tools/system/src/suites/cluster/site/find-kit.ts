import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { root } from '@scaler/chart';
import { must } from '@scaler/command';
import { findKindKit } from './kind-kit.ts';
import type { Kit } from './kit.ts';

const folder = process.env['CLUSTER_KIT'] ?? join(root, '../shared/cluster');
const cache = process.env['CLUSTER_CACHE'] ?? join(homedir(), '.cache/scaler-cluster');

/** Archives of images to build on. */
export const baseImage = join(cache, 'images/node.tar');

/**
 * The kit of the cluster that `KUBECONFIG` points at, where that is one of kind; else the scripts beside the repository, where
 * they are built: their cluster is brought up when there is no `KUBECONFIG`, and kubectl and helm are found from then on.
 */
export async function findKit(): Promise<Kit | undefined> {
  const hasOwn = existsSync(join(folder, 'up')) && existsSync(baseImage);
  if (hasOwn) process.env['PATH'] = `${process.env['PATH']}${delimiter}${join(cache, 'bin')}`;
  if (process.env['KUBECONFIG'] || !hasOwn) {
    const kind = await findKindKit();
    if (kind) return kind;
  }
  if (!hasOwn) return undefined;
  if (!process.env['KUBECONFIG']) process.env['KUBECONFIG'] = (await script('up')).split('\n').at(-1);
  return ownKit;
}

const script = (name: string, ...args: string[]): Promise<string> => must(join(folder, name), args);

const ownKit: Kit = {
  name: folder,
  freeze: async (program, seconds) => void (await script('freeze', program, String(seconds))),
  restart: async (program, signal = 'KILL', seconds = 0) =>
    void (await script('restart', program, signal, String(seconds))),
  cut: async (node, seconds) => void (await script('cut', node, String(seconds))),
  addon: async (name) => void (await script('addon', name)),
  images: {
    image: (...args) => script('image', ...args),
    load: (archive) => script('load', archive),
  },
};

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { root, run } from '@scaler/chart';

/** The scripts of the cluster kit beside the repository: a real Kubernetes on one machine. */
export interface Kit {
  /** Brings the cluster up, or does nothing; the kubeconfig's path. */
  up(): Promise<string>;
  /** Makes an image from files, gives it to every node, and tells its name. */
  image(...args: string[]): Promise<string>;
  /** Gives every node an image from an archive, and tells its name. */
  load(archive: string): Promise<string>;
  /** Stops a program, `kube-proxy` or `kube-proxy@kube-2`, in its tracks; resolves when it goes on. */
  freeze(program: string, seconds: number): Promise<void>;
  /** Kills a program and starts it again; resolves when the API answers. */
  restart(program: string, signal?: 'KILL' | 'TERM', seconds?: number): Promise<void>;
  /** Takes a node's cable out; resolves when it is back. */
  cut(node: string, seconds: number): Promise<void>;
}

const folder = process.env['CLUSTER_KIT'] ?? join(root, '../shared/cluster');
const cache = process.env['CLUSTER_CACHE'] ?? join(homedir(), '.cache/scaler-cluster');

/** Archives of images to build on. */
export const baseImage = join(cache, 'images/node.tar');

/** The kit, where it is there and built; kubectl and helm are found from then on. */
export function findKit(): Kit | undefined {
  if (!existsSync(join(folder, 'up')) || !existsSync(baseImage)) return undefined;
  process.env['PATH'] = `${process.env['PATH']}${delimiter}${join(cache, 'bin')}`;
  const call = async (script: string, ...args: string[]): Promise<string> => {
    const { code, text } = await run(join(folder, script), args);
    if (code !== 0) throw new Error(`${script} ${args.join(' ')}: ${text}`);
    return text;
  };
  return {
    up: () => call('up'),
    image: (...args) => call('image', ...args),
    load: (archive) => call('load', archive),
    freeze: async (program, seconds) => void (await call('freeze', program, String(seconds))),
    restart: async (program, signal = 'KILL', seconds = 0) =>
      void (await call('restart', program, signal, String(seconds))),
    cut: async (node, seconds) => void (await call('cut', node, String(seconds))),
  };
}

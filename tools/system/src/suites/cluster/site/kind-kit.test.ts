// With programs on PATH in place of kubectl, kind and docker: they write down what they were asked, and answer as the real ones
// do. What is done on a node is run by this machine's shell, with such programs in place of pkill and the others too.
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findKindKit } from './kind-kit.ts';
import type { Kit } from './kit.ts';

const saved = { ...process.env };
let folder: string;

const write = (...words: string[]): string => `echo "${words.join(' ')}" >>"$RECORD"`;
const onNode = write('$NODE: $(basename "$0") $*');

const outside: Record<string, string> = {
  kubectl: `${write('kubectl $*')}
    case "$*" in
      'config current-context') echo "$CONTEXT" ;;
      'get --raw=/readyz') [ -e "$RECORD.ready" ] && echo -n ok || { touch "$RECORD.ready"; echo refused >&2; exit 1; } ;;
    esac`,
  kind: `${write('kind $*')}
    [ "$*" = 'get nodes --name two' ] && printf 'two-worker\\ntwo-external-load-balancer\\ntwo-control-plane\\n' ||
      echo "No kind nodes found for cluster." >&2`,
  docker: `[ "$1" = exec ] || { echo "docker: '$1' is not a docker command." >&2; exit 1; }
    export NODE=$2; shift 2; PATH="$(dirname "$0")/node:$PATH" exec "$@"`,
};
const inside: Record<string, string> = {
  // It exits with 1 when no program has the name.
  pkill: `${onNode}; case "$*" in *absent) exit 1 ;; esac`,
  sleep: onNode,
  mv: onNode,
  systemctl: onNode,
  iptables: onNode,
  ip6tables: `${onNode}; exit 3`,
};

async function install(programs: Record<string, string>, where: string): Promise<void> {
  await mkdir(where, { recursive: true });
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(where, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(where, name), 0o755);
  }
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kind-kit-'));
  await install(outside, folder);
  await install(inside, join(folder, 'node'));
  Object.assign(process.env, {
    PATH: `${folder}:${saved['PATH']}`,
    RECORD: join(folder, 'record'),
    CONTEXT: 'kind-two',
  });
});

afterEach(async () => {
  for (const name of ['PATH', 'RECORD', 'CONTEXT']) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
  await rm(folder, { recursive: true, force: true });
});

async function kit(): Promise<Kit> {
  const found = await findKindKit();
  if (!found) throw new Error('no kit was found');
  await rm(join(folder, 'record'));
  return found;
}

async function recorded(): Promise<string[]> {
  return (await readFile(join(folder, 'record'), 'utf8')).trim().split('\n');
}

test('it is found by the name of the context, and by its nodes', async () => {
  expect((await findKindKit())?.name).toBe('kind, cluster two');
  expect(await recorded()).toEqual(['kubectl config current-context', 'kind get nodes --name two']);
});

test.each(['admin@elsewhere', 'kind-gone', ''])('the context "%s" is none of it', async (context) => {
  process.env['CONTEXT'] = context;
  expect(await findKindKit()).toBeUndefined();
});

test('without kind, or without kubectl, there is no kit', async () => {
  await rm(join(folder, 'kind'));
  expect(await findKindKit()).toBeUndefined();
  process.env['PATH'] = join(folder, 'node');
  expect(await findKindKit()).toBeUndefined();
});

test("a frozen program goes on, the first node's or the one that is named; a long name as the kernel cuts it", async () => {
  const { freeze } = await kit();
  await freeze('kube-proxy', 4);
  await freeze('kube-controller-manager@two-worker', 1);
  expect(await recorded()).toEqual([
    'two-control-plane: pkill -STOP -x kube-proxy',
    'two-control-plane: sleep 4',
    'two-control-plane: pkill -CONT -x kube-proxy',
    'two-worker: pkill -STOP -x kube-controller',
    'two-worker: sleep 1',
    'two-worker: pkill -CONT -x kube-controller',
  ]);
});

test('a program that is not there, and a node that is not there, are errors that name them', async () => {
  const { freeze, cut } = await kit();
  await expect(freeze('absent', 4)).rejects.toThrow('freeze absent 4 on two-control-plane: exit code 1');
  await expect(freeze('kube-proxy@three', 4)).rejects.toThrow(
    'kind has no node three; there are two-control-plane, two-worker',
  );
  await expect(cut('two-external-load-balancer', 1)).rejects.toThrow('kind has no node');
});

test('the API server is killed, and it is waited for until it answers', async () => {
  await (await kit()).restart('kube-apiserver');
  expect(await recorded()).toEqual([
    'two-control-plane: pkill -KILL -x kube-apiserver',
    'kubectl get --raw=/readyz',
    'kubectl get --raw=/readyz',
  ]);
});

test('to be down for a while its manifest is away, also when something fails meanwhile', async () => {
  const { restart } = await kit();
  await restart('kube-apiserver', 'TERM', 7);
  expect((await recorded()).slice(0, 4)).toEqual([
    'two-control-plane: mv /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/kube-apiserver.yaml',
    'two-control-plane: pkill -TERM -x kube-apiserver',
    'two-control-plane: sleep 7',
    'two-control-plane: mv /etc/kubernetes/kube-apiserver.yaml /etc/kubernetes/manifests/kube-apiserver.yaml',
  ]);
  await install({ pkill: 'exit 1' }, join(folder, 'node'));
  await expect(restart('etcd', 'KILL', 7)).rejects.toThrow('keepDown');
  expect((await recorded()).at(-1)).toContain('mv /etc/kubernetes/etcd.yaml /etc/kubernetes/manifests/etcd.yaml');
});

test('what systemd runs is stopped and started, so that it is down as long as is asked', async () => {
  await (await kit()).restart('kubelet@two-worker');
  expect((await recorded()).slice(0, 4)).toEqual([
    'two-worker: pkill -KILL -x kubelet',
    'two-worker: systemctl stop kubelet',
    'two-worker: sleep 0',
    'two-worker: systemctl start kubelet',
  ]);
});

test('a pod of a DaemonSet cannot be kept down', async () => {
  await expect((await kit()).restart('kube-proxy', 'KILL', 5)).rejects.toThrow('kind cannot keep kube-proxy down');
});

test('a cut node drops all packets, and then none; where there is no IPv6 that is no error', async () => {
  await (await kit()).cut('two-worker', 60);
  const rule = (verb: string, table = 'iptables'): string[] => [
    `two-worker: ${table} -w -t mangle ${verb} PREROUTING -i eth0 -j DROP`,
    ...(table === 'iptables' ? [`two-worker: ${table} -w -t mangle ${verb} POSTROUTING -o eth0 -j DROP`] : []),
  ];
  expect(await recorded()).toEqual([
    ...[...rule('-I'), ...rule('-I', 'ip6tables'), 'two-worker: sleep 60'],
    ...[...rule('-D'), ...rule('-D', 'ip6tables')],
  ]);
});

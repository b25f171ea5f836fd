import { kubectl } from '@scaler/chart';
import { run, until } from '@scaler/command';
import type { Kit } from './kit.ts';

/** The nodes of kind are containers, of docker if nothing else is said; kind reads the same variable. */
const engine = process.env['KIND_EXPERIMENTAL_PROVIDER'] ?? 'docker';
const apiLimitMs = 180_000;

/** Programs that systemd runs on a node. */
const units = ['kubelet', 'containerd'];
/** Programs that the kubelet runs by a manifest of the node. */
const staticPods = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];

/**
 * The scripts for a node's shell: each in one call, so that what began ends even when this process is killed.
 * `$1` is the program's name as the kernel has it, cut off at 15 characters.
 */
const scripts = {
  /** $2: seconds. */
  freeze: `pkill -STOP -x "$1"; trap 'pkill -CONT -x "$1"' EXIT; sleep "$2"`,
  /** $2: the signal. The kubelet starts it again at once. */
  restartPod: 'pkill "-$2" -x "$1"',
  /** $2: the signal, $3: seconds, $4: the manifest. Without its manifest the kubelet does not start it again. */
  keepDown: `mv "/etc/kubernetes/manifests/$4.yaml" "/etc/kubernetes/$4.yaml"
    trap 'mv "/etc/kubernetes/$4.yaml" "/etc/kubernetes/manifests/$4.yaml"' EXIT
    pkill "-$2" -x "$1"; sleep "$3"`,
  /** $2: the signal, $3: seconds. systemd starts a unit again by itself, unless it was stopped. */
  restartUnit: `trap 'systemctl start "$1"' EXIT; pkill "-$2" -x "$1"; systemctl stop "$1"; sleep "$3"`,
  /**
   * $1: seconds. All packets of the node's only interface are dropped, those of its pods too. To disconnect the container from
   * its network would give it another address afterwards.
   */
  cut: `each() { for t in iptables ip6tables; do
      $t -w -t mangle "$1" PREROUTING -i eth0 -j DROP && $t -w -t mangle "$1" POSTROUTING -o eth0 -j DROP || [ $t = ip6tables ]
    done; }
    trap 'each -D' EXIT; each -I; sleep "$1"`,
};

/** The kit of the cluster that kubectl is set to, where that is one of kind and its nodes can be entered. */
export async function findKindKit(): Promise<Kit | undefined> {
  const said = await run('kubectl', ['config', 'current-context']).catch(() => undefined);
  const cluster = said?.code === 0 ? /^kind-(.+)$/.exec(said.text)?.[1] : undefined;
  if (cluster === undefined) return undefined;
  const listed = await run('kind', ['get', 'nodes', '--name', cluster]).catch(() => undefined);
  const nodes = (listed?.text ?? '').split('\n').filter((name) => name.startsWith(`${cluster}-`));
  // One that balances over several control planes is no node of Kubernetes.
  const own = nodes.filter((name) => !name.endsWith('-external-load-balancer')).sort();
  return own.length === 0 ? undefined : createKindKit(cluster, own);
}

function createKindKit(cluster: string, nodes: readonly string[]): Kit {
  const on = async (node: string, what: keyof typeof scripts, ...args: (string | number)[]): Promise<void> => {
    if (!nodes.includes(node)) throw new Error(`kind has no node ${node}; there are ${nodes.join(', ')}`);
    const all = ['exec', node, 'sh', '-ec', scripts[what], 'sh', ...args.map(String)];
    const { code, text } = await run(engine, all);
    if (code !== 0) throw new Error(`${what} ${args.join(' ')} on ${node}: ${text || `exit code ${code}`}`);
  };
  return {
    name: `kind, cluster ${cluster}`,
    freeze: (given, seconds) => {
      const { program, node } = placeOf(given, nodes);
      return on(node, 'freeze', inKernel(program), seconds);
    },
    async restart(given, signal = 'KILL', seconds = 0) {
      const { program, node } = placeOf(given, nodes);
      if (units.includes(program)) await on(node, 'restartUnit', inKernel(program), signal, seconds);
      else if (seconds === 0) await on(node, 'restartPod', inKernel(program), signal);
      else if (staticPods.includes(program)) await on(node, 'keepDown', inKernel(program), signal, seconds, program);
      else throw new Error(`kind cannot keep ${program} down: the kubelet starts it again at once`);
      await until(
        'the API server to answer',
        apiLimitMs,
        async () => (await kubectl(['get', '--raw=/readyz'])) === 'ok' || undefined,
      );
    },
    cut: (node, seconds) => on(node, 'cut', seconds),
  };
}

function placeOf(given: string, nodes: readonly string[]): { program: string; node: string } {
  const [program = '', node = nodes[0] ?? ''] = given.split('@');
  return { program, node };
}

function inKernel(program: string): string {
  return program.slice(0, 15);
}

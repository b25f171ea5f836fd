/** One run of a suite, as it is told and as it is done. */
export interface Suite {
  /** Of its log and its result; what people type to run it alone. */
  readonly name: string;
  /** For a shell, at the repository's root. */
  readonly command: string;
  /** It needs a cluster: `KUBECONFIG`, or the cluster kit beside the repository. */
  readonly cluster?: boolean;
}

/** Every suite, those that end soon first. What measures speed comes last, when nothing else is under way. */
export const suites: readonly Suite[] = [
  { name: 'check', command: 'npm run check' },
  { name: 'packages', command: 'npm run check:packages' },
  { name: 'release', command: 'npm run release:check' },
  { name: 'demo', command: 'npm start -- --once' },
  { name: 'fuzz', command: 'npm run fuzz -- --count 100000' },
  { name: 'fuzz-hostile', command: 'npm run fuzz -- --hostile --count 100000' },
  { name: 'fuzz-closes', command: 'npm run fuzz -- --closes' },
  { name: 'chaos-kept', command: 'npm run chaos -- --kept' },
  { name: 'chaos-1', command: 'npm run chaos -- --steps 10000 --jobs 2 --seed 1' },
  { name: 'chaos-2', command: 'npm run chaos -- --steps 10000 --jobs 2 --seed 1001' },
  { name: 'mutants', command: 'npm run chaos:mutants' },
  { name: 'trials', command: 'npm run trials' },
  { name: 'chart', command: 'npm run chart:check' },
  { name: 'chart-cluster', command: 'npm run chart:check -- --cluster', cluster: true },
  { name: 'e2e', command: 'npm run e2e', cluster: true },
  { name: 'scenarios', command: 'npm run e2e -- --all', cluster: true },
  { name: 'scenarios-nodes', command: 'CLUSTER_NODES=2 npm run e2e -- --all', cluster: true },
  { name: 'bench', command: 'npm run bench -- small headers latency held sleepers start' },
  { name: 'against', command: 'npm run bench -- --against "${AGAINST:-HEAD~1}"' },
];

import { run } from '@scaler/command';
import type { Problems } from './offline.ts';

/** Checks the rights of the two accounts, in the namespaces that they manage and in others. */
export async function checkScope(namespace: string, inside: string, outside: string): Promise<Problems> {
  const managed = ['pods', 'services', 'deployments.apps', 'endpointslices.discovery.k8s.io'];
  const verbs: [string, string, string, boolean][] = [];
  for (const app of ['autoscaler', 'dlx']) {
    for (const resource of [...managed, 'secrets', 'configmaps', 'nodes']) {
      verbs.push([app, `list ${resource}`, inside, managed.includes(resource)]);
      verbs.push([app, `list ${resource}`, outside, false]);
    }
    for (const verb of ['patch', 'delete', 'create', 'update']) {
      verbs.push([app, `${verb} deployments.apps`, inside, verb === 'patch']);
      verbs.push([app, `${verb} deployments.apps`, outside, false]);
    }
    verbs.push([app, 'create pods', inside, false]);
    verbs.push([app, 'create pods/exec', inside, false]);
    verbs.push([app, 'patch services', inside, app === 'autoscaler']);
  }
  const problems: Problems = [];
  for (const [app, question, where, allowed] of verbs) {
    const as = `system:serviceaccount:${namespace}:scaler-${app}`;
    const { text } = await run('kubectl', ['auth', 'can-i', ...question.split(' '), '-n', where, '--as', as]);
    if (/^yes$/m.test(text) !== allowed) problems.push(`${app} may ${allowed ? 'not ' : ''}${question} in ${where}`);
  }
  return problems;
}

import { hold, startLoad } from './site/load.ts';
import { inProduct, rolledOut } from './site/apps.ts';
import type { Values } from './site/install.ts';
import type { Scenario } from './scenario.ts';

/** Every pod of one of the apps is replaced by `helm upgrade`. */
function upgrade(app: 'dlx' | 'autoscaler'): Scenario {
  return {
    name: `upgrade-${app}`,
    doc: `a rolling upgrade of the ${app} at 200 requests per second, with sleepers waking all the while`,
    async run(ground) {
      await ground.product();
      const endLoad = await startLoad(ground);
      const beginMs = performance.now();
      await ground.product(annotated(app));
      ground.log(`rolled out in ${Math.round((performance.now() - beginMs) / 1000)} s`);
      return endLoad();
    },
  };
}

const annotated = (app: string): Values => ({ [app]: { podAnnotations: { upgraded: new Date().toISOString() } } });

export const upgradeDlx = upgrade('dlx');
export const upgradeAutoscaler = upgrade('autoscaler');

export const deleteDlx: Scenario = {
  name: 'delete-dlx',
  doc: 'a DLX pod is deleted while it holds requests: they are answered, and nothing else is lost',
  async run(ground) {
    await ground.product();
    const endLoad = await startLoad(ground);
    const { pods, answered } = await hold(ground);
    const [pod = ''] = pods;
    await inProduct('delete', 'pod', pod, '--wait=false');
    const findings = await answered();
    await rolledOut('dlx', 90);
    return [...findings, ...(await endLoad())];
  },
};

export const restartApi: Scenario = {
  name: 'restart-api',
  doc: 'the API server is killed and started again while sleepers wake',
  needsKit: true,
  async run(ground) {
    await ground.product();
    const endLoad = await startLoad(ground);
    const { answered } = await hold(ground);
    await ground.kit?.restart('kube-apiserver');
    const findings = await answered();
    return [...findings, ...(await endLoad())];
  },
};

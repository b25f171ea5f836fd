// The writes of the hostile tenant, from a process of its own: `hostile-writer.ts URL NAMESPACE SECONDS VICTIM...`, each
// victim `namespace/name`. One write after the other, 50 ms between two: at most twenty a second. At the end it sends its
// parent an `AttackReport`.
import { setTimeout as sleep } from 'node:timers/promises';
import { connectRawApi, type KubeObject } from '@scaler/testing-kit/kubernetes';
import { type HostileWrite, hostileWrites } from './hostile-writes.ts';
import { endWith, endWithParent, yieldToAll } from './program.ts';

const writeEveryMs = 50;

const [url = '', namespace = '', seconds = '60', ...victims] = process.argv.slice(2);
const api = connectRawApi({ url, token: 'mallory', namespace });
const endsAtMs = performance.now() + Number(seconds) * 1_000;
/** Writes that the API refused, by the first words of the reason. */
const refused: Record<string, number> = {};
let writes = 0;

const folders: Readonly<Record<string, string>> = {
  Deployment: `/apis/apps/v1/namespaces/${namespace}/deployments`,
  Service: `/api/v1/namespaces/${namespace}/services`,
  Ingress: `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`,
};

/** As `kubectl apply` would. */
async function write({ name, object }: HostileWrite): Promise<void> {
  const folder = folders[String(object.kind)] ?? '';
  const query = { fieldManager: 'mallory' };
  const contentType = 'application/strategic-merge-patch+json';
  const options = { query, contentType, body: object };
  let answer = await api.request('PATCH', `${folder}/${object.metadata.name}`, options);
  if (answer.status === 404) answer = await api.request('POST', folder, { query, body: object });
  if (answer.status < 300) return;
  const { message } = answer.body as { message?: string };
  const reason = `${name}: ${String(message).slice(0, 100)}`;
  refused[reason] = (refused[reason] ?? 0) + 1;
}

/** The other tenants' workloads, as an attacker could have guessed their state. */
async function readVictims(): Promise<readonly KubeObject[]> {
  const found: KubeObject[] = [];
  for (const victim of victims) {
    const [of, name] = victim.split('/');
    const { body } = await api.request('GET', `/apis/apps/v1/namespaces/${of}/deployments/${name}`);
    found.push(body as KubeObject);
  }
  return found;
}

endWithParent();
yieldToAll();
while (performance.now() < endsAtMs) {
  for (const one of hostileWrites(namespace, await readVictims(), writes)) {
    if (performance.now() >= endsAtMs) break;
    writes += 1;
    await write(one);
    await sleep(writeEveryMs);
  }
}
endWith({ writes, refused });

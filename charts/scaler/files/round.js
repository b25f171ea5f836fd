// `helm test`: one round of a workload of its own: it serves, is put to sleep, and its next request is answered.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const { NAMESPACE: namespace, NAME: name, LIMIT_SECONDS: limit } = process.env;
const token = readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8');
const begin = Date.now();
const say = (text) => console.log(`${((Date.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${text}`);

async function workload() {
  const url = `https://kubernetes.default.svc/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`the API server answers ${answer.status}: ${await answer.text()}`);
  const { metadata, spec, status } = await answer.json();
  return { phase: metadata.labels['scaler/phase'], replicas: spec.replicas, ready: status.readyReplicas ?? 0 };
}

async function until(what, holds) {
  let last;
  while (Date.now() - begin < limit * 1000) {
    try {
      last = await holds();
      if (last === true) return say(what);
    } catch (error) {
      last = error.cause?.message ?? error.message;
    }
    await sleep(250);
  }
  throw new Error(`not within ${limit} s: ${what} (last: ${JSON.stringify(last)})`);
}

async function ask() {
  const answer = await fetch(`http://${name}.${namespace}/`, { headers: { connection: 'close' } });
  return { status: answer.status, text: await answer.text() };
}

await until('it serves', async () => (await ask()).status === 200);
await until('it sleeps', async () => {
  const now = await workload();
  return (now.phase === 'asleep' && now.replicas === 0 && now.ready === 0) || now;
});
const asked = Date.now();
const { status, text } = await ask();
if (status !== 200) throw new Error(`the sleeper's request was answered ${status}: ${text}`);
say(`its next request was answered 200 after ${Date.now() - asked} ms`);
await until('it is awake', async () => {
  const now = await workload();
  return (now.phase === 'awake' && now.replicas === 1) || now;
});

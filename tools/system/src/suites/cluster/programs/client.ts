/**
 * A client in a pod, which takes its orders over HTTP on 9000 and reaches Services through the node's own kube-proxy. On 6443 it
 * serves the custom metrics API.
 *
 *   PUT /asks/ID {protocol, url, …}       asks once; see asks.ts
 *   GET /asks/ID                          {answer} once it has ended, {} before
 *   PUT /flows/ID {url, rps, keepAlive}   GETs at a steady rate
 *   POST /flows/ID/pause, /resume         a kept-alive connection stays open, and nothing is asked
 *   DELETE /flows/ID                      ends it
 *   GET /flows                            what became of each
 *   PUT /values/NAMESPACE/NAME {metric: quantity}   the metrics of a Deployment
 */
import http from 'node:http';
import type { Answer, Ask, FlowOptions } from './asks.ts';
import { serveCustomMetrics } from './custom-metrics.ts';
import { flowReports, pauseFlow, startFlow, stopFlow } from './flows.ts';
import { json, readJson } from './http-json.ts';
import { carryOut } from './requests.ts';

const values = new Map<string, Record<string, string>>();
const answers = new Map<string, Answer | undefined>();

async function ask(id: string, what: Ask): Promise<void> {
  answers.set(id, undefined);
  answers.set(id, await carryOut(what));
}

const server = http.createServer(async (request, response) => {
  const { method = '', url = '' } = request;
  const [, noun = '', id = '', verb = ''] = url.split('/').map(decodeURIComponent);
  const body = await readJson(request);
  if (noun === 'asks') {
    // The same may be asked for twice, where the first answer did not come through.
    if (method === 'PUT' && !answers.has(id)) void ask(id, body as Ask);
    return json(response, 200, { answer: answers.get(id) });
  }
  if (noun === 'values') {
    values.set(`${id}/${verb}`, body as Record<string, string>);
    return json(response, 200, {});
  }
  const before = flowReports();
  if (method === 'PUT') startFlow(id, body as FlowOptions);
  if (method === 'POST') pauseFlow(id, verb === 'pause');
  if (method === 'DELETE') stopFlow(id);
  return json(response, 200, before);
});
// Longer than the API server keeps its connections to us: it would send on one that we are just closing.
server.keepAliveTimeout = 120_000;
server.listen(9000, '0.0.0.0');
serveCustomMetrics(values, 6443);
process.on('SIGTERM', () => process.exit(0));

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { errorCode, resourceKey, systemClock as clock } from '@scaler/scaler-types';
import { boundedText } from './bounded-text.ts';
import { readDeclaration } from './declaration.ts';
import { ManagedProcess } from './managed-process.ts';

/**
 * The owner: a process of its own, that alone starts and stops the declared ones. Both apps call it over HTTP on the
 * control port. It ends itself and them when no app has watched it for a while.
 */
const { file, controlPort, processes } = readDeclaration(process.argv[2] ?? '');
/** Milliseconds that the owner waits for its first app, and after its last one has gone. */
const firstMs = 5_000;
const lonelyMs = 1_000;
const longestStep = 64 * 1024;
const watchers = new Set<ServerResponse>();
const send = (one: ManagedProcess): void => watchers.forEach((watcher) => watcher.write(lineOf(one)));
const managed = new Map(processes.map((one) => [resourceKey(one.resource), new ManagedProcess(one, file, send)]));

let cancelEnd = clock.after(firstMs, () => void end());

const server = createServer((request, response) => {
  if (request.url === '/file') response.end(file);
  else if (request.url === '/watch') watch(response);
  else void answer(request).then(([status, body]) => response.writeHead(status).end(JSON.stringify(body)));
});
// The port is taken: there is an owner already.
server.once('error', (error) => process.exit(errorCode(error) === 'EADDRINUSE' ? 0 : 1));
server.listen(controlPort, '127.0.0.1');
process.once('SIGTERM', () => void end());

async function end(): Promise<void> {
  server.close();
  await Promise.all([...managed.values()].map((one) => one.end()));
  process.exit(0);
}

function lineOf({ phase, epoch, busyUntil, declaration }: ManagedProcess): string {
  const resource = { ...declaration.resource, phase, replicas: phase === 'asleep' ? 0 : 1, busyUntil };
  return `${JSON.stringify({ resource, epoch })}\n`;
}

/** Sends every process, an empty line as `synced`, then each change. */
function watch(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  for (const one of managed.values()) response.write(lineOf(one));
  response.write('{}\n');
  watchers.add(response);
  cancelEnd();
  response.once('close', () => {
    watchers.delete(response);
    cancelEnd();
    if (watchers.size === 0) cancelEnd = clock.after(lonelyMs, () => void end());
  });
}

async function answer(request: IncomingMessage): Promise<[number, object]> {
  // A web page cannot send this type without being asked for permission first.
  if (request.headers['content-type'] !== 'application/json') return [415, {}];
  try {
    const text = await boundedText(request, longestStep);
    if (text === undefined) return [413, {}];
    const { key, step, epoch, until } = JSON.parse(text) as Record<string, string>;
    const one = managed.get(key ?? '');
    if (!one) return [404, { code: 'unknown-resource', message: `there is no ${key}` }];
    if (step === 'wake') await one.wake();
    else if (step === 'begin') return [200, { epoch: one.beginPark() ? one.epoch : undefined }];
    else if (step === 'cancel') one.cancelPark(epoch ?? '');
    else if (step === 'stop') await one.stop(epoch ?? '');
    else if (step === 'busy') one.keepBusy(until);
    else return [400, {}];
    return [200, { busyUntil: one.busyUntil }];
  } catch (error) {
    return [409, { code: errorCode(error), message: (error as Error).message }];
  }
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';

const root = join(import.meta.dirname, '..');
const rulesFile = join(root, '../../../eslint.guard.js');
const { guarded } = (await import(rulesFile)) as { guarded: { rules: Linter.RulesRecord }[] };
const linter = new Linter();
const { parser } = tseslint;

/** `reach`: where peers are spoken with. */
function faultsIn(code: string, reach = true): number {
  const { rules = {} } = guarded[reach ? 1 : 0] ?? {};
  return linter.verify(code, [{ languageOptions: { parser: parser as Linter.Parser }, rules }]).length;
}

const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (name) =>
    name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.startsWith('testing/') && name !== 'sockets/guard.ts',
);

test('no listener of the data path is without a guard', () => {
  expect(sources.length).toBeGreaterThan(40);
  const reach = /^(accept|endpoints|head|http1|http2|tcp|upgrade)\//;
  const found = sources.filter((name) => faultsIn(readFileSync(join(root, name), 'utf8'), reach.test(name)) > 0);
  expect(sources.filter((name) => reach.test(name)).length).toBeGreaterThan(20);
  expect(found).toEqual([]);
});

test('one that is added is found, in whatever form', () => {
  const added = [
    "socket.on('data', handle)",
    "socket.once('end', () => {})",
    "socket.off('x', y).on('data', handle)",
    "socket.addListener('data', handle)",
    "socket.prependListener('data', handle)",
    "socket.prependOnceListener('data', handle)",
    "socket['on']('data', handle)",
    "signal.addEventListener('abort', handle)",
    'body.pipe(res)',
    'socket.setTimeout(1000, () => {})',
    'socket.write(chunk, () => {})',
    'session.ping(() => {})',
    'session.ping(handle)',
    'session.close(() => {})',
    'createServer((req, res) => {})',
    'connect(url, () => {})',
    'up.push = (chunk) => true',
    'parser.onIncoming = function () {}',
    'fastify({ clientErrorHandler: () => {} })',
    'class A extends Socket { override emit(event: string) { return super.emit(event); } }',
    'class A extends Readable { push(chunk: unknown) { return super.push(chunk); } }',
    'class A { onResponseData(controller: unknown) { work(); } }',
    'class A { onRequestUpgrade() { work(); } }',
    'setImmediate(() => work())',
    'process.nextTick(() => work())',
    'queueMicrotask(() => work())',
    'setTimeout(() => work(), 10)',
  ];
  expect(added.filter((code) => faultsIn(code) === 0)).toEqual([]);
});

test('what has one is not', () => {
  const fine = [
    "listen(socket, 'data', this, this.#take)",
    "socket.off('data', handle)",
    'session.ping(guard(this, close))',
    'session.close()',
    'setImmediate(guard(this, this.#work))',
    'process.nextTick(guard(x, gone))',
    "replaceMethod(up, 'push', { owner, method, otherwise: false })",
    'class A { onResponseData(controller: unknown) { if (done) return; try { work(); } catch (error) { broke(error); } } }',
  ];
  expect(fine.filter((code) => faultsIn(code) > 0)).toEqual([]);
});

import { join, relative } from 'node:path';
import { expect, test } from '@jest/globals';
import ts from 'typescript';

const here = import.meta.dirname;
const sources = join(here, '../..');
/** What ends, resets or closes; `kill` and `abort` are there in case they come to be. */
const endings = new Set([
  'close',
  'destroy',
  'destroySoon',
  'end',
  'rstStream',
  'goaway',
  'kill',
  'abort',
  'respondWithFD',
]);

const config = join(sources, '../tsconfig.lib.json');
const parsed = ts.getParsedCommandLineOfConfigFile(
  config,
  { noEmit: true },
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: () => {},
  },
) as ts.ParsedCommandLine;

/** Calls of such methods on what Node's HTTP/2 declares: `file:line: text`. */
function endingsIn(fileNames: readonly string[], added = ''): string[] {
  const addedName = join(here, 'added.ts');
  const host = ts.createCompilerHost(parsed.options);
  const { fileExists, readFile } = host;
  host.fileExists = (name) => name === addedName || fileExists(name);
  host.readFile = (name) => (name === addedName ? added : readFile(name));
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, options) =>
    name === addedName ? ts.createSourceFile(name, added, options) : getSourceFile(name, options);
  const program = ts.createProgram([...fileNames, ...(added === '' ? [] : [addedName])], parsed.options, host);
  const checker = program.getTypeChecker();
  const found: string[] = [];
  for (const file of program.getSourceFiles()) {
    if (!file.fileName.startsWith(sources) || file.isDeclarationFile || file.fileName.endsWith('.test.ts')) continue;
    const name = relative(here, file.fileName);
    if (name === 'stream-end.ts' || name.startsWith('../../testing/')) continue;
    visit(file, (node) => {
      if (!isEnding(node) || !isHttp2(checker.getTypeAtLocation(node.expression), checker)) return;
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${name}:${line + 1}: ${node.getText()}`);
    });
  }
  return found;
}

function visit(node: ts.Node, each: (node: ts.Node) => void): void {
  each(node);
  ts.forEachChild(node, (child) => visit(child, each));
}

function isEnding(node: ts.Node): node is ts.PropertyAccessExpression | ts.ElementAccessExpression {
  if (ts.isPropertyAccessExpression(node)) return endings.has(node.name.text);
  return ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)
    ? endings.has(node.argumentExpression.text)
    : false;
}

/** Whether a type, or any that it is made of, is one of Node's HTTP/2. */
function isHttp2(type: ts.Type, checker: ts.TypeChecker): boolean {
  if (type.isUnionOrIntersection()) return type.types.some((part) => isHttp2(part, checker));
  const declared = type.getSymbol()?.declarations ?? [];
  return declared.some((one) => /@types\/node\/http2\.d\.ts$/.test(one.getSourceFile().fileName));
}

test('nothing but stream-end.ts ends, resets or closes streams and sessions of HTTP/2; one that is added is found', () => {
  const added = [
    "import type { ClientHttp2Session, ServerHttp2Session, ClientHttp2Stream, ServerHttp2Stream } from 'node:http2';",
    'export function f(up: ClientHttp2Stream, down: ServerHttp2Stream | undefined): void {',
    '  up.close(8);',
    '  down?.close();',
    '  up.destroy();',
    "  up['end']();",
    '  const { session } = up;',
    '  session?.close();',
    '  (session as ClientHttp2Session).goaway();',
    '}',
    'export const g = (session: ServerHttp2Session): unknown => session.destroy;',
  ];
  const found = endingsIn(parsed.fileNames, added.join('\n'));
  expect(found.map((one) => one.split(': ')[0])).toEqual([3, 4, 5, 6, 8, 9, 11].map((line) => `added.ts:${line}`));
}, 60_000);

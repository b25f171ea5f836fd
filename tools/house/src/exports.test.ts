import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import ts from 'typescript';
import { allFiles, exportsOf, root } from './sources.ts';

/** Libraries that other packages here stand on, with the exports that a user needs although no package here does. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  async: [],
  kube: ['kubeErrorCodes', 'unknownMetricCodes'],
  // The types of settings stand in the declarations of the tables that are made of them.
  runtime: ['HostPort', 'NamespacedName', 'RuntimeError', 'RuntimeErrorCode', 'runtimeErrors', 'Setting'],
};

const most: Readonly<Record<string, number>> = { kube: 70 };

/** What each file imports or exports again, by name, from each package of ours. */
const taken = new Map<string, Set<string>>();
for (const file of allFiles()) {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    const [from, names] = importIn(node);
    if (from?.startsWith('@scaler/') === true) {
      const set = taken.get(from) ?? new Set();
      taken.set(from, set);
      for (const name of names) set.add(name);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function importIn(node: ts.Node): [string | undefined, string[]] {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const bindings = node.importClause?.namedBindings;
    const names = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements : [];
    return [node.moduleSpecifier.text, names.map((one) => (one.propertyName ?? one.name).text)];
  }
  // const { a, b } = await import('…')
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name)) {
    const [, from] = /^await import\('([^']+)'\)$/.exec(node.initializer?.getText() ?? '') ?? [];
    return [from, node.name.elements.map((one) => (one.propertyName ?? one.name).getText())];
  }
  return [undefined, []];
}

test.each(Object.entries(libraries))(
  '@scaler/%s exports only what another package, or a user, needs',
  (library, users) => {
    const names = exportsOf(`packages/${library}`);
    const used = taken.get(`@scaler/${library}`) ?? new Set();
    expect(names.filter((name) => !used.has(name) && !users.includes(name))).toEqual([]);
    expect(users.filter((name) => used.has(name) || !names.includes(name))).toEqual([]);
    expect(names.length).toBeLessThanOrEqual(most[library] ?? Infinity);
  },
);

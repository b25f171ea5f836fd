import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import ts from 'typescript';

export const root = join(import.meta.dirname, '../../..');

/** A source file by its path from the repository's root, with what it imports by a relative path, types included. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** Every source file of the repository, or of another checkout, tests among them, from its root, with `/`. */
export function allFiles(from = root): string[] {
  const files = globSync('{packages,examples,tools}/*/src/**/*.{ts,js}', { cwd: from });
  return files.map((file) => file.replaceAll('\\', '/')).sort();
}

/** The same without tests. */
export function sourceFiles(): string[] {
  return allFiles().filter((file) => !/\.test\.ts$/.test(file));
}

/** What each of these files imports; a path that leads nowhere is left to the compiler. */
export function importsOf(files: readonly string[], from = root): Imports {
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(from, file), 'utf8'), true, true);
      const imported = importedFiles
        .filter(({ fileName }) => fileName.startsWith('.'))
        .map(({ fileName }) => posix.join(dirname(file), fileName));
      return [file, imported.filter((one) => known.has(one))];
    }),
  );
}

/** The names that the index of a package exports, such as of `packages/kube`; none where it has no index. */
export function exportsOf(project: string, from = root): string[] {
  const file = join(from, project, 'src/index.ts');
  if (!existsSync(file)) return [];
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  return source.statements.flatMap((one) =>
    ts.isExportDeclaration(one) && one.exportClause !== undefined && ts.isNamedExports(one.exportClause)
      ? one.exportClause.elements.map(({ name }) => name.text)
      : [],
  );
}

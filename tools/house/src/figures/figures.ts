import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { knotsIn } from '../circles.ts';
import { allFiles, importsOf } from '../sources.ts';

/** One checkout, by its source files; tests and what only tests use (`testing/`) are told apart. */
export interface Checkout {
  readonly root: string;
  /** Product code, from the root. */
  readonly files: readonly string[];
}

/** Words that stood for something that has a name in the glossary, and openings that leave out who acts. */
export const riddles =
  /\b(nobody|somebody|whoever|told|hindrance|obstacle|complaints?|unheld|rivals?|rivalry|wish(es)?|lookAgain|newsOf|performer|mute|deaf)\b/gi;

export function readCheckout(root: string): Checkout {
  const isTest = (file: string): boolean => /\.test\.ts$|\/testing\//.test(file);
  return { root, files: allFiles(root).filter((file) => !isTest(file)) };
}

export const projectOf = (file: string): string => file.split('/', 2).join('/');

/** Lines that have something of the language: no comments, no blanks. */
export function codeLines({ root }: Checkout, file: string): number {
  const text = readFileSync(join(root, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const lines = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (node.getChildCount(source) === 0 && node.end > node.getStart(source)) {
      const from = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const to = source.getLineAndCharacterOfPosition(node.end).line;
      for (let line = from; line <= to; line++) lines.add(line);
    }
    for (const child of node.getChildren(source)) if (!ts.isJSDoc(child)) visit(child);
  };
  visit(source);
  return lines.size;
}

/** By project: how many files stand in circles, and how many pairs of its folders import each other. */
export function entanglement(checkout: Checkout): ReadonlyMap<string, { inCircles: number; mutual: number }> {
  const imports = importsOf(checkout.files, checkout.root);
  const found = new Map<string, { inCircles: number; mutual: number }>();
  const of = (project: string): { inCircles: number; mutual: number } => {
    const one = found.get(project) ?? { inCircles: 0, mutual: 0 };
    found.set(project, one);
    return one;
  };
  for (const knot of knotsIn(imports)) of(projectOf(knot[0] as string)).inCircles += knot.length;
  const arrows = new Set<string>();
  for (const [file, targets] of imports) for (const to of targets) arrows.add(`${dirname(file)} ${dirname(to)}`);
  for (const arrow of arrows) {
    const [from = '', to = ''] = arrow.split(' ');
    if (from < to && arrows.has(`${to} ${from}`)) of(projectOf(from)).mutual += 1;
  }
  return found;
}

/** How often the words of {@link riddles} stand in a project's sources, comments among them. */
export function riddleCount({ root, files }: Checkout, project: string): number {
  return files
    .filter((file) => projectOf(file) === project)
    .reduce((sum, file) => sum + (readFileSync(join(root, file), 'utf8').match(riddles)?.length ?? 0), 0);
}

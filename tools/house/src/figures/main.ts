import { dirname, join } from 'node:path';
import { commandLine } from '@scaler/command';
import { codeLines, entanglement, projectOf, readCheckout, riddleCount } from './figures.ts';
import { exportsOf } from '../sources.ts';

const { names } = commandLine({
  name: 'npm run figures',
  doc: 'How large and how entangled each package is: files, code lines, largest folder, exports, circles, words that are riddles.',
  names: { what: 'folder', doc: 'checkouts to show one after the other; default: this one' },
  examples: { '': 'this checkout', '../before .': 'another one first' },
});

const columns = ['', 'files', 'code', 'largest folder', 'exports', 'in circles', 'mutual folders', 'riddles'];

for (const root of names.length === 0 ? [join(import.meta.dirname, '../../../..')] : names) {
  const checkout = readCheckout(root);
  const tangled = entanglement(checkout);
  const projects = [...new Set(checkout.files.map(projectOf))];
  const rows = projects.map((project) => {
    const files = checkout.files.filter((file) => projectOf(file) === project);
    const folders = Map.groupBy(files, dirname);
    const { inCircles = 0, mutual = 0 } = tangled.get(project) ?? {};
    const numbers = [
      files.length,
      files.reduce((sum, file) => sum + codeLines(checkout, file), 0),
      Math.max(...[...folders.values()].map(({ length }) => length)),
      exportsOf(project, root).length,
      ...[inCircles, mutual, riddleCount(checkout, project)],
    ];
    return { project, numbers };
  });
  const sum = (of: (project: string) => boolean): number[] =>
    columns.slice(1).map((_, i) => {
      const values = rows.filter(({ project }) => of(project)).map(({ numbers }) => numbers[i] ?? 0);
      return i === 2 ? Math.max(...values) : values.reduce((a, b) => a + b, 0);
    });
  const all = [
    ...rows,
    { project: 'product', numbers: sum((project) => !project.startsWith('tools/')) },
    { project: 'tools', numbers: sum((project) => project.startsWith('tools/')) },
  ];
  console.log(root);
  console.log(columns.map((name, i) => (i === 0 ? name.padEnd(28) : name.padStart(15))).join(''));
  for (const { project, numbers } of all)
    console.log(project.padEnd(28) + numbers.map((one) => one.toLocaleString('en-US').padStart(15)).join(''));
}

// Parses each Mermaid diagram of the Markdown files that are named, and ends with 1 and the parser's message if one is wrong.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

// Mermaid cleans HTML with dompurify, which does nothing without a browser; parsing needs none of it.
const nothing = 'data:text/javascript,export default { addHook() {}, sanitize: (text) => text }';
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'dompurify' ? { url: nothing, shortCircuit: true } : next(specifier, context),
});
const { default: mermaid } = await import('mermaid');

let wrong = 0;
for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8');
  for (const [, diagram = '', at] of [...text.matchAll(/^```mermaid\n([\s\S]*?)^```/gm)].map((m) => [...m, m.index])) {
    try {
      const { diagramType } = await mermaid.parse(diagram);
      console.log(`${file}:${text.slice(0, at).split('\n').length}: ${diagramType}`);
    } catch (error) {
      wrong += 1;
      console.error(`${file}:${text.slice(0, at).split('\n').length}: ${error.message}`);
    }
  }
}
process.exitCode = wrong === 0 ? 0 : 1;

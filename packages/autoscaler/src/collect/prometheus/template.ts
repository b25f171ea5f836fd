import {
  asPlaceholder,
  type Context,
  misplaced,
  type Placeholder,
  placeholderNames,
  type QueryValues,
  renderPlaceholder,
} from './placeholder.ts';

/** A query with placeholders, such as `sum(rate(hits{ns="${namespace}"}[${window}]))`. */
export interface Template {
  readonly placeholders: ReadonlySet<Placeholder>;
  render(values: QueryValues): string;
}

type Part = string | { placeholder: Placeholder; context: Context };

/**
 * Reads a template. Placeholders may stand only where their values can be escaped: in the quoted value of a
 * label matcher, and `${window}` where a duration stands.
 *
 * @throws Error that says what is wrong with which placeholder.
 */
export function parseTemplate(text: string): Template {
  const parts = [...partsOf(text)];
  const placeholders = new Set(parts.flatMap((part) => (typeof part === 'string' ? [] : [part.placeholder])));
  return {
    placeholders,
    render: (values) =>
      parts
        .map((part) => (typeof part === 'string' ? part : renderPlaceholder(part.placeholder, part.context, values)))
        .join(''),
  };
}

/** The tokens of PromQL that matter here: strings, comments, placeholders, braces; and any other single character. */
const token = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*|\$\{[^}]*\}|[^]/gu;

function* partsOf(text: string): Generator<Part> {
  let depth = 0;
  let before = '';
  for (const [piece] of text.matchAll(token)) {
    if (piece === '{') depth += 1;
    if (piece === '}') depth -= 1;
    if (piece === '"' || piece === "'" || piece === '`') throw new Error(`a string has no end: ${text.slice(0, 60)}`);
    if (piece.startsWith('${')) yield placed(piece.slice(2, -1), { in: 'duration' });
    else if (!piece.includes('${')) yield piece;
    else if (/^["']/.test(piece)) yield* stringParts(piece, depth > 0 ? before : '');
    else throw new Error(`no placeholder may stand in \`…\` or in a comment: ${piece.slice(0, 60)}`);
    before += piece;
  }
}

function* stringParts(piece: string, before: string): Generator<Part> {
  const [, operator] = /(=~|!~|!=|=)\s*$/.exec(before) ?? [];
  // Elsewhere a string may be an expression or a replacement (label_replace), where other characters are special.
  if (operator === undefined)
    throw new Error(`${piece.slice(0, 60)} is not the value of a label matcher: no placeholder may stand in it`);
  const context: Context = { in: operator.endsWith('~') ? 'regex' : 'equal', quote: piece.charAt(0) };
  for (const [part] of piece.matchAll(/\$\{[^}]*\}|[^$]+|\$/g)) {
    yield part.startsWith('${') ? placed(part.slice(2, -1), context) : part;
  }
}

function placed(name: string, context: Context): Part {
  const placeholder = asPlaceholder(name);
  if (placeholder === undefined) throw new Error(`there is no placeholder \${${name}}; there are ${placeholderNames}`);
  const problem = misplaced(placeholder, context);
  if (problem !== undefined) throw new Error(`\${${name}} ${problem}`);
  return { placeholder, context };
}

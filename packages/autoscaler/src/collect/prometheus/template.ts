/** The kinds of placeholder in a query template. */
type Placeholder = 'window' | 'namespace' | 'name' | 'names' | `labels.${string}`;

/** The context of a placeholder: a duration outside of strings, or the value of a label matcher, plain or regular expression. */
type Context = { in: 'duration' } | { in: 'equal' | 'regex'; quote: string };

/** The values of the placeholders. Tenants write all of them but the window. */
export interface QueryValues {
  /** As PromQL writes it: `5m`. */
  window: string;
  namespace: string;
  names: readonly string[];
  labels: Readonly<Record<string, string>>;
}

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

const placeholderNames = '${window}, ${namespace}, ${name}, ${names} and ${labels.NAME}';

function asPlaceholder(text: string): Placeholder | undefined {
  const known = ['window', 'namespace', 'name', 'names'].includes(text) || /^labels\.[A-Za-z_][\w./-]*$/.test(text);
  return known ? (text as Placeholder) : undefined;
}

/** The reason why a placeholder may not stand there, as the end of a sentence. */
function misplaced(placeholder: Placeholder, context: Context): string | undefined {
  if (placeholder === 'names' && context.in !== 'regex') {
    return 'stands for several names, and may stand only in the value of a =~ or !~ matcher';
  }
  if (placeholder !== 'window' && context.in === 'duration')
    return 'may stand only in the quoted value of a label matcher';
  return undefined;
}

/** The placeholder's text, escaped for its context: it is one value there, whatever it contains. */
function renderPlaceholder(placeholder: Placeholder, context: Context, values: QueryValues): string {
  if (context.in === 'duration') return values.window;
  const plain = valuesOf(placeholder, values);
  if (context.in === 'equal') return escapeString(plain.join(''), context.quote);
  const expressions = plain.map(escapeExpression);
  const joined = placeholder === 'names' ? `(?:${expressions.join('|')})` : expressions.join('');
  return escapeString(joined, context.quote);
}

function valuesOf(placeholder: Placeholder, { window, namespace, names, labels }: QueryValues): readonly string[] {
  if (placeholder === 'window') return [window];
  if (placeholder === 'namespace') return [namespace];
  if (placeholder === 'name' || placeholder === 'names') return names;
  return [labels[placeholder.slice('labels.'.length)] ?? ''];
}

/** As Go's regexp.QuoteMeta does, whose expressions Prometheus uses. */
function escapeExpression(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** PromQL strings are Go's: backslash, the quote itself, and control characters. */
function escapeString(text: string, quote: string): string {
  return text.replaceAll(/[\\"'\p{Cc}]/gu, (character) => {
    if (character === '\\' || character === quote) return `\\${character}`;
    if (character === '"' || character === "'") return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** The kinds of placeholder in a query template. */
export type Placeholder = 'window' | 'namespace' | 'name' | 'names' | `labels.${string}`;

/** The context of a placeholder: a duration outside of strings, or the value of a label matcher, plain or regular expression. */
export type Context = { in: 'duration' } | { in: 'equal' | 'regex'; quote: string };

/** The values of the placeholders. Tenants write all of them but the window. */
export interface QueryValues {
  /** As PromQL writes it: `5m`. */
  window: string;
  namespace: string;
  names: readonly string[];
  labels: Readonly<Record<string, string>>;
}

export const placeholderNames = '${window}, ${namespace}, ${name}, ${names} and ${labels.NAME}';

export function asPlaceholder(text: string): Placeholder | undefined {
  const known = ['window', 'namespace', 'name', 'names'].includes(text) || /^labels\.[A-Za-z_][\w./-]*$/.test(text);
  return known ? (text as Placeholder) : undefined;
}

/** The reason why a placeholder may not stand there, as the end of a sentence. */
export function misplaced(placeholder: Placeholder, context: Context): string | undefined {
  if (placeholder === 'names' && context.in !== 'regex') {
    return 'stands for several names, and may stand only in the value of a =~ or !~ matcher';
  }
  if (placeholder !== 'window' && context.in === 'duration')
    return 'may stand only in the quoted value of a label matcher';
  return undefined;
}

/** The placeholder's text, escaped for its context: it is one value there, whatever it contains. */
export function renderPlaceholder(placeholder: Placeholder, context: Context, values: QueryValues): string {
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

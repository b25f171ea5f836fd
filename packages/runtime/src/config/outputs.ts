import type { ValueSchema } from './parsers.ts';
import { type ConfigTable, envName, flagName, type Setting } from './setting.ts';

export interface HelpOptions {
  /** The command's name. */
  name: string;
  /** One sentence on what the program does. */
  summary: string;
}

/** The text of `--help`, made from the table. */
export function helpText(table: ConfigTable, { name, summary }: HelpOptions): string {
  return [
    `Usage: ${name} [options]`,
    '',
    summary,
    '',
    'Options; each can also be given by the environment variable named beside it, flags win:',
    '',
    ...Object.entries(table).map(([key, setting]) => optionHelp(key, setting)),
    '  --help',
    '      Prints this text.',
    '  --version',
    '      Prints the version.',
    '',
  ].join('\n');
}

function optionHelp(name: string, { parser, default: text, envFamily, ...setting }: Setting<unknown>): string {
  const boolean = parser.schema['type'] === 'boolean';
  const flag = boolean ? `${flagName(name)}, --no-${flagName(name).slice(2)}` : `${flagName(name)} <${parser.kind}>`;
  return [
    `  ${flag}  (${envName(name, envFamily)})  default: ${text || 'none'}`,
    `      ${docWithUnit(setting)} Allowed: ${parser.allowed}.`,
  ].join('\n');
}

function docWithUnit({ doc, unit }: Pick<Setting<unknown>, 'doc' | 'unit'>): string {
  return unit === undefined ? doc : `${doc} Unit: ${unit}.`;
}

const header = ['Flag', 'Environment', 'Default', 'Allowed', 'Meaning'];

/** The settings as a Markdown table, padded as Prettier does, so that a README can be compared with it as text. */
export function optionsTable(table: ConfigTable): string {
  const rows = Object.entries(table).map(([name, { parser, default: text, unit, doc, envFamily }]) => [
    `\`${flagName(name)}\``,
    `\`${envName(name, envFamily)}\``,
    text ? `\`${text}\`` : '',
    parser.allowed + (unit === undefined ? '' : ` (${unit})`),
    doc,
  ]);
  return markdownTable([header, ...rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))]);
}

function markdownTable(rows: readonly (readonly string[])[]): string {
  const widths = header.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], fill: string): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width, fill)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head, ' '), line([], '-'), ...body.map((row) => line(row, ' '))].join('\n');
}

/** The settings as a JSON schema, for a chart's `values.schema.json`: names as in code, defaults and documentation included. */
export function optionsSchema(table: ConfigTable): ValueSchema {
  const properties = Object.entries(table).map(([name, setting]) => {
    const { schema } = setting.parser;
    const standard = setting.default === undefined ? {} : { default: schemaDefault(schema, setting.default) };
    return [name, { ...schema, description: docWithUnit(setting), ...standard }];
  });
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties) as unknown,
    required: [],
  };
}

function schemaDefault(schema: ValueSchema, text: string): unknown {
  switch (schema['type']) {
    case 'boolean':
    case 'integer':
    case 'number':
      return JSON.parse(text);
    case 'array':
      return text === ''
        ? []
        : text.split(',').map((item) => schemaDefault(schema['items'] as ValueSchema, item.trim()));
    case 'object':
      return {};
    default:
      return text;
  }
}

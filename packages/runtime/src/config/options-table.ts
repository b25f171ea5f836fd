import type { ValueSchema } from './parser.ts';
import { type ConfigTable, defaultPrefix, envName, flagName } from './table.ts';

const header = ['Flag', 'Environment', 'Default', 'Allowed', 'Meaning'];

/** The settings as a Markdown table, padded as Prettier does, so that a README can be compared with it as text. */
export function optionsTable(table: ConfigTable, prefix: string = defaultPrefix): string {
  const rows = Object.entries(table).map(([name, setting]) => [
    `\`${flagName(name)}\``,
    `\`${envName(name, setting, prefix)}\``,
    setting.required
      ? 'required'
      : setting.default === undefined || setting.default === ''
        ? ''
        : `\`${setting.default}\``,
    setting.parser.allowed + (setting.unit === undefined ? '' : ` (${setting.unit})`),
    setting.doc,
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
    const description = setting.unit === undefined ? setting.doc : `${setting.doc} Unit: ${setting.unit}.`;
    const schema = { ...setting.parser.schema, description };
    return [
      name,
      setting.default === undefined
        ? schema
        : { ...schema, default: schemaDefault(setting.parser.schema, setting.default) },
    ];
  });
  const required = Object.keys(table).filter((name) => table[name]?.required);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties) as unknown,
    required,
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

import type { Setting } from './setting.ts';
import { type ConfigTable, defaultPrefix, envName, flagName } from './table.ts';

export interface HelpOptions {
  /** The command's name. */
  name: string;
  /** One sentence on what the program does. */
  summary: string;
  /** The prefix of environment variables. Default: `SCALER_`. */
  prefix?: string;
}

/** The text of `--help`, made from the table. */
export function helpText(table: ConfigTable, { name, summary, prefix = defaultPrefix }: HelpOptions): string {
  const options = Object.entries(table).map(([key, setting]) => optionHelp(key, setting, prefix));
  return [
    `Usage: ${name} [options]`,
    '',
    summary,
    '',
    'Options; each can also be given by the environment variable named beside it, flags win:',
    '',
    ...options,
    '  --help',
    '      Prints this text.',
    '  --version',
    '      Prints the version.',
    '',
  ].join('\n');
}

function optionHelp(name: string, setting: Setting<unknown>, prefix: string): string {
  const boolean = setting.parser.schema['type'] === 'boolean';
  const flag = boolean
    ? `${flagName(name)}, --no-${flagName(name).slice(2)}`
    : `${flagName(name)} <${setting.parser.kind}>`;
  const otherwise = setting.required
    ? 'required'
    : `default: ${setting.default === undefined || setting.default === '' ? 'none' : setting.default}`;
  const unit = setting.unit === undefined ? '' : ` Unit: ${setting.unit}.`;
  return [
    `  ${flag}  (${envName(name, setting, prefix)})  ${otherwise}`,
    `      ${setting.doc}${unit} Allowed: ${setting.parser.allowed}.`,
  ].join('\n');
}

export { type CheckedOut, checkOut } from './checkout.ts';
export { type Arguments, commandLine, readCommandLine } from './command-line.ts';
export { markdownTable } from './markdown-table.ts';
export { must, type Ran, run, until } from './run.ts';
export { choice, flag, type Options, text, type Values, whole, wholes } from './options.ts';

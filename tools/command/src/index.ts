export { type Arguments, commandLine, readCommandLine } from './command-line.ts';
export { choice, flag, type Options, text, type Values, whole, wholes } from './options.ts';

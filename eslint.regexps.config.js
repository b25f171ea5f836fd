import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

/**
 * No regular expression of the product goes back over its text again and again: tenants, clients and pods write what it
 * reads. Steps of code are counted by tests (`linear.test.ts`), those of a regular expression cannot be. Apart from the
 * other rules, since it needs no types and takes all files at once: `npm run lint:regexps`.
 */
export default [
  { ignores: ['**/*.test.ts', '**/dist', '**/node_modules', '**/testing', 'packages/testing-kit', 'tools'] },
  {
    files: ['packages/*/src/**/*.ts', 'examples/*/src/**/*.ts'],
    languageOptions: { parser: tseslint.parser },
    // Comments that turn off other rules mean nothing here.
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: false },
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential' }],
    },
  },
];

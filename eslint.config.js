import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';
import { guarded } from './eslint.guard.js';

/** Which library may be imported in which package only. */
const confined = [
  { name: '@kubernetes/client-node', only: 'packages/kube' },
  { name: 'winston', only: 'packages/runtime' },
  { name: 'prom-client', only: 'packages/runtime' },
  { name: 'undici', only: 'packages/dlx' },
  { name: '@fastify/http-proxy', only: 'packages/dlx' },
];

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', '**/coverage', '.nx', '**/fixtures'] },
  ...tseslint.configs.recommended,
  {
    files: ['**/*.ts'],
    plugins: { '@nx': nx },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-imports': [
        'error',
        { paths: confined.map(({ name }) => ({ name, message: 'See CONTRIBUTING.md, the house.' })) },
      ],
      'no-console': 'error',
      'max-lines': ['error', { max: 300, skipComments: true, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
      '@nx/enforce-module-boundaries': [
        'error',
        {
          banTransitiveDependencies: false,
          // Tests that count steps import what they count late; nothing that ships is loaded lazily by anybody else.
          checkDynamicDependenciesExceptions: ['@scaler/.*'],
          depConstraints: [
            { sourceTag: 'scope:scaler-types', onlyDependOnLibsWithTags: [] },
            { sourceTag: 'scope:async', onlyDependOnLibsWithTags: ['scope:scaler-types', 'scope:testing-kit'] },
            { sourceTag: 'scope:runtime', onlyDependOnLibsWithTags: ['scope:scaler-types', 'scope:async'] },
            {
              sourceTag: 'scope:kube',
              onlyDependOnLibsWithTags: ['scope:scaler-types', 'scope:async', 'scope:testing-kit'],
            },
            { sourceTag: 'scope:testing-kit', onlyDependOnLibsWithTags: ['scope:scaler-types'] },
            {
              sourceTag: 'scope:autoscaler',
              onlyDependOnLibsWithTags: [
                'scope:scaler-types',
                'scope:async',
                'scope:runtime',
                'scope:kube',
                'scope:testing-kit',
              ],
            },
            {
              sourceTag: 'scope:dlx',
              onlyDependOnLibsWithTags: [
                'scope:scaler-types',
                'scope:async',
                'scope:runtime',
                'scope:kube',
                'scope:testing-kit',
              ],
            },
            {
              sourceTag: 'scope:workload-scaler',
              onlyDependOnLibsWithTags: ['scope:scaler-types', 'scope:async', 'scope:kube', 'scope:testing-kit'],
            },
            {
              sourceTag: 'scope:deployment-scaler',
              onlyDependOnLibsWithTags: [
                'scope:scaler-types',
                'scope:kube',
                'scope:workload-scaler',
                'scope:testing-kit',
              ],
            },
            {
              sourceTag: 'scope:process-scaler',
              onlyDependOnLibsWithTags: ['scope:scaler-types', 'scope:testing-kit'],
            },
            { sourceTag: 'scope:tool', onlyDependOnLibsWithTags: ['*'] },
          ],
        },
      ],
    },
  },
  ...guarded,
  // The apps and libraries may use the testing kit in their tests alone.
  {
    files: ['packages/*/src/**/*.ts', 'examples/*/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/testing/**', 'packages/testing-kit/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: '@scaler/testing-kit', message: 'Tests only.' },
            { name: '@scaler/testing-kit/kubernetes', message: 'Tests only.' },
            ...confined.map(({ name }) => ({ name, message: 'See CONTRIBUTING.md, the house.' })),
          ],
        },
      ],
    },
  },
  ...[...new Set(confined.map(({ only }) => only))].map((only) => ({
    files: [`${only}/src/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: confined
            .filter((c) => c.only !== only)
            .map(({ name }) => ({ name, message: 'See CONTRIBUTING.md, the house.' })),
        },
      ],
    },
  })),
  {
    files: ['**/*.test.ts', 'tools/**/*.ts', 'packages/testing-kit/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', 'max-lines': 'off' },
  },
  { files: ['tools/**/*.ts'], rules: { 'no-console': 'off' } },
);

export default {
  projects: ['<rootDir>/packages/*', '<rootDir>/examples/*', '<rootDir>/tools/*'],
  testTimeout: 20_000,
};

export default {
  files: [
    'src/**/*.test.ts',
    'migrations/**/*.test.ts',
    'scripts/**/*.test.ts',
    'federation-tests/**/*.test.ts',
    'bench/**/*.test.ts',
  ],
  extensions: ['ts'],
  timeout: '60s',
}

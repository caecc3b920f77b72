export default {
  files: [
    'src/**/*.test.ts',
    'migrations/**/*.test.ts',
    'scripts/**/*.test.ts',
    'federation-tests/**/*.test.ts',
    'bench/**/*.test.ts',
  ],
  extensions: ['ts'],
  // Without any result for so long, something hangs; a busy machine may take a while over a whole scenario.
  timeout: '3m',
}

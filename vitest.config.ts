import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // The engines live in child processes and native code: a process per file, two at a time.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    globalSetup: ['./test/support/global-setup.ts'],
    setupFiles: ['./test/support/exact-equality.ts'],
  },
})

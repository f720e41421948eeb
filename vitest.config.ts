import { defineConfig } from 'vitest/config'

const room = (name: string, lines: number, branches: number) => ({ [`${name}/**`]: { lines, branches } })

export default defineConfig({
  // Packages of GitHub name source maps that they do not bring.
  logLevel: 'error',
  test: {
    reporters: ['default', './test/support/reporter.ts'],
    testTimeout: 20_000,
    // GitHub's own parser imports JSON in a way that Node refuses.
    server: { deps: { inline: [/@actions\/(workflow-parser|expressions)/] } },
    coverage: {
      provider: 'v8',
      include: ['pipeline/**/*.ts', 'adapters/**/*.ts', 'cli/**/*.ts', 'actions/**/*.ts', 'app/**/*.ts'],
      exclude: ['actions/*/main.ts', 'actions/post.ts', 'app/main.ts', 'app/chart-worker.ts', 'adapters/judge-process/judge-process.ts'],
      reporter: ['text-summary', 'json-summary'],
      thresholds: { ...room('pipeline', 100, 95), ...room('adapters', 90, 0), ...room('cli', 90, 0), ...room('app', 90, 0) },
    },
    // What needs the one engine waits more than it computes, and each file has state, names and registry namespaces of its own: two files at a time.
    projects: [
      { extends: true, test: { name: 'unit', sequence: { groupOrder: 0 }, include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'integration',
          sequence: { groupOrder: 1 },
          include: ['test/integration/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          sequence: { groupOrder: 2 },
          include: ['test/e2e/**/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
})

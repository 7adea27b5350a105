import type { TestContext } from 'node:test'
import { main } from '../../examples/cli/main.ts'

/** How a command ended. */
export interface CliResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command within the test's own process: for whatever needs no signals and no second working directory. */
export async function soma(t: Pick<TestContext, 'mock'>, ...args: string[]): Promise<CliResult> {
  const out = t.mock.method(console, 'log', () => {})
  const err = t.mock.method(console, 'error', () => {})
  try {
    const exitCode = await main(args)
    const lines = ({ mock }: typeof out): string => mock.calls.map((call) => `${call.arguments.join(' ')}\n`).join('')
    return { exitCode, stdout: lines(out), stderr: lines(err) }
  } finally {
    out.mock.restore()
    err.mock.restore()
  }
}

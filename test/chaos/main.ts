import { endWhenIdle } from '../../examples/end-when-idle.ts'
import { toError } from '../../src/runtime/soma-error.ts'
import { castOf } from './chaos-network.ts'
import { parseChaosOptions } from './chaos-options.ts'
import { describeFault } from './fault.ts'
import { formatReport } from './report.ts'
import { runChaos } from './run-chaos.ts'
import { makeSchedule } from './schedule.ts'

endWhenIdle()

const options = parseChaosOptions(process.argv)
if (options.schedule) {
  for (const fault of makeSchedule({ ...options, ...castOf(options) })) {
    console.log(options.json ? JSON.stringify(fault) : `${seconds(fault.atMs)}  ${describeFault(fault)}`)
  }
} else {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => interrupted.abort(new Error(`interrupted by ${signal}`)))
  }
  const startedMs = performance.now()
  const say = (line: string) =>
    console[options.json ? 'error' : 'log'](`${seconds(performance.now() - startedMs)}  ${line}`)
  try {
    const report = await runChaos(options, { say, signal: interrupted.signal })
    console.log(options.json ? JSON.stringify(report) : formatReport(report))
    if (!report.ok) process.exitCode = 1
  } catch (thrown) {
    console.error(interrupted.signal.aborted ? toError(thrown).message : thrown)
    process.exitCode = 1
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1).padStart(6)} s`
}

import type { Clock } from '../../../src/runtime/clock.ts'
import { toError } from '../../../src/runtime/soma-error.ts'
import { ControlError } from '../cli-error.ts'
import { wrapText } from './fit-line.ts'
import { Terminal, type TerminalStream } from './terminal.ts'

/** Milliseconds between looks. */
const LOOK_MS = 1_000

/** The window that there is. */
export interface WindowSize {
  readonly columns: number
  readonly rows: number
}

/** What is looked at, and how it is shown. */
export interface Watched<Report> {
  /** Asks the node. @throws {ControlError} while it does not answer */
  readonly ask: () => Promise<Report>
  /** Takes note of an answer, once. @param at monotonic milliseconds */
  readonly see?: (report: Report, at: number) => void
  /** A screen of a terminal. @param now milliseconds since the Unix epoch */
  readonly screen: (report: Report, size: WindowSize, now: number) => string[]
  /** What goes into a pipe each second. */
  readonly lines: (report: Report, now: number) => string[]
  /** Colours a notice. */
  readonly warn: (text: string) => string
}

/**
 * Looks at a node each second: in place on a terminal, line by line elsewhere. While the node is gone it says so, with what was seen last, and goes on as soon as it
 * answers again. Resolves when the signal aborts, or nobody reads any more.
 */
export async function watchNode<Report>(
  watched: Watched<Report>,
  {
    stream,
    clock,
    signal
  }: { readonly stream: TerminalStream & { isTTY?: boolean }; readonly clock: Clock; readonly signal: AbortSignal }
): Promise<void> {
  const unread = new AbortController()
  const stopped = AbortSignal.any([signal, unread.signal])
  const onError = (): void => unread.abort() // head has read enough
  stream.on('error', onError)
  try {
    using view = stream.isTTY === true ? terminalView(watched, stream, clock) : lineView(watched, stream, clock)
    while (!stopped.aborted) {
      try {
        const report = await watched.ask()
        watched.see?.(report, clock.monotonic())
        view.show(report)
      } catch (thrown) {
        if (!(thrown instanceof ControlError)) throw thrown
        view.lose(toError(thrown).message)
      }
      await clock.sleep(LOOK_MS, { signal: stopped }).catch(() => undefined) // aborted: the loop ends
    }
  } finally {
    stream.off('error', onError)
  }
}

interface View<Report> extends Disposable {
  show(report: Report): void
  /** The node does not answer. */
  lose(reason: string): void
}

function terminalView<Report>({ screen, warn }: Watched<Report>, stream: TerminalStream, clock: Clock): View<Report> {
  const terminal = new Terminal(stream)
  let last: { readonly report: Report; readonly atMs: number } | undefined
  let lostAtMs: number | undefined
  return {
    show(report) {
      lostAtMs = undefined
      last = { report, atMs: clock.now() }
      terminal.show((size) => screen(report, size, clock.now()))
    },
    lose(reason) {
      lostAtMs ??= clock.now()
      const since = clockTime(lostAtMs)
      terminal.show(({ columns, rows }) => {
        const notice = wrapText(`${reason}, since ${since}; looking each second`, columns).map(warn)
        if (last === undefined) return notice
        const seen = screen(last.report, { columns, rows: rows - notice.length - 1 }, last.atMs)
        return [...notice, `as it was seen last, at ${clockTime(last.atMs)}:`, ...seen]
      })
    },
    [Symbol.dispose]: () => terminal[Symbol.dispose]()
  }
}

function lineView<Report>({ lines }: Watched<Report>, stream: TerminalStream, clock: Clock): View<Report> {
  let isLost = false
  const write = (line: string) => stream.write(`${line}\n`)
  return {
    show(report) {
      isLost = false
      for (const line of lines(report, clock.now())) write(line)
    },
    lose(reason) {
      if (!isLost) write(`${new Date(clock.now()).toISOString()} ${reason}`)
      isLost = true
    },
    [Symbol.dispose]: () => {}
  }
}

/** A time of day where the person is. */
export function clockTime(atMs: number): string {
  const time = new Date(atMs)
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

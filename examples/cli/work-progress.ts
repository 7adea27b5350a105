import type { Writable } from 'node:stream'
import { SingleBar } from 'cli-progress'
import { formatNumber, formatSeconds } from '../devnet/format.ts'

/** Shows how a long piece of work gets on, with its rate and the time that is left: a bar on a terminal, a line now and then elsewhere. */
export interface WorkProgress {
  /** @param done of `total`, in the unit that it was made with */
  show(done: number, total: number): void
  /** Leaves what is shown as it is. Idempotent. */
  end(): void
}

/** Milliseconds over which the rate is taken. */
const WINDOW_MS = 5_000
/** Milliseconds between lines where there is no terminal. */
const LINE_MS = 10_000
/** Milliseconds between updates of the bar. */
const BAR_MS = 100

/**
 * @param unit what is counted: `commits`
 * @param now monotonic milliseconds
 */
export function workProgress(
  name: string,
  unit: string,
  stream: Writable & { isTTY?: boolean } = process.stderr,
  now: () => number = () => performance.now()
): WorkProgress {
  let bar: SingleBar | undefined
  let shownAt = stream.isTTY === true ? Number.NEGATIVE_INFINITY : now()
  const seen: { at: number; done: number }[] = []

  function describe(done: number, total: number): string {
    const first = seen[0] ?? { at: now(), done }
    const seconds = (now() - first.at) / 1_000
    const rate = seconds > 0.2 ? (done - first.done) / seconds : 0
    const left = rate > 0 && done < total ? `, ${formatSeconds((total - done) / rate)} left` : ''
    return `${formatNumber(done)} of ${formatNumber(total)} ${unit}${rate > 0 ? `, ${formatNumber(rate)}/s` : ''}${left}`
  }

  return {
    show(done, total) {
      const at = now()
      seen.push({ at, done })
      while (seen.length > 2 && (seen[1]?.at ?? at) <= at - WINDOW_MS) seen.shift()
      const isDue = at >= shownAt + (stream.isTTY === true ? BAR_MS : LINE_MS) || done === total
      if (!isDue) return
      shownAt = at
      const text = describe(done, total)
      if (stream.isTTY !== true) {
        stream.write(`${name}: ${text}\n`)
        return
      }
      if (bar === undefined) {
        bar = new SingleBar({
          stream: stream as NodeJS.WritableStream,
          format: `${name} [{bar}] {text}`,
          barCompleteChar: '=',
          barIncompleteChar: ' ',
          barsize: 24,
          hideCursor: true,
          linewrap: null,
          gracefulExit: false
        })
        bar.start(total, done, { text })
      }
      bar.setTotal(total)
      bar.update(done, { text })
    },
    end() {
      bar?.stop()
      bar = undefined
    }
  }
}

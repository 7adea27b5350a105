import type { Writable } from 'node:stream'
import { MultiBar, type SingleBar } from 'cli-progress'
import { formatNumber } from './format.ts'

/** Something that grows to a known size. */
export interface ProgressRow {
  readonly name: string
  readonly value: number
  readonly total: number
  /** What else there is to say of it. */
  readonly detail: string
}

/** Shows how a devnet gets on: bars on a terminal, a line now and then elsewhere. */
export interface ProgressView {
  /** Writes a line. Rows that are shown stay as they are, above it. */
  say(line: string): void
  /** Shows rows, or brings those that are shown up to date. */
  show(rows: readonly ProgressRow[]): void
  /** Leaves the rows that are shown as they are, so that the next are new ones. Idempotent. */
  settle(): void
}

/** The view for a stream. */
export function progressView(stream: Writable & { isTTY?: boolean }): ProgressView {
  return stream.isTTY ? new BarView(stream) : new LineView(stream)
}

class BarView implements ProgressView {
  readonly #stream: Writable
  #multi: MultiBar | undefined
  #bars: SingleBar[] = []

  constructor(stream: Writable) {
    this.#stream = stream
  }

  say(line: string): void {
    this.settle()
    this.#stream.write(`${line}\n`)
  }

  show(rows: readonly ProgressRow[]): void {
    this.#multi ??= new MultiBar({
      stream: this.#stream,
      format: '  {name} [{bar}] {done} commits {detail}',
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      barsize: 24,
      hideCursor: true,
      linewrap: null, // leaves the terminal's setting alone
      gracefulExit: false // whoever is interrupted settles the view
    })
    for (const [at, row] of rows.entries()) {
      const payload = { name: row.name, done: doneOf(row), detail: row.detail }
      const bar = this.#bars[at]
      if (bar === undefined) this.#bars.push(this.#multi.create(row.total, row.value, payload))
      else {
        bar.setTotal(row.total)
        bar.update(row.value, payload)
      }
    }
  }

  settle(): void {
    this.#multi?.stop()
    this.#multi = undefined
    this.#bars = []
  }
}

/** Milliseconds between lines of the same rows. */
const LINE_MS = 2_000

class LineView implements ProgressView {
  readonly #stream: Writable
  #rows: readonly ProgressRow[] = []
  #shownAt = 0
  #isWritten = true

  constructor(stream: Writable) {
    this.#stream = stream
  }

  say(line: string): void {
    this.settle()
    this.#stream.write(`${line}\n`)
  }

  show(rows: readonly ProgressRow[]): void {
    const now = performance.now()
    if (this.#rows.length === 0) this.#shownAt = now
    this.#rows = rows
    this.#isWritten = false
    if (now < this.#shownAt + LINE_MS) return
    this.#shownAt = now
    this.#write()
  }

  settle(): void {
    this.#write()
    this.#rows = []
  }

  #write(): void {
    if (this.#isWritten) return
    this.#isWritten = true
    for (const row of this.#rows)
      this.#stream.write(`  ${`${row.name} ${doneOf(row)} commits ${row.detail}`.trimEnd()}\n`)
  }
}

function doneOf({ value, total }: ProgressRow): string {
  return `${formatNumber(value)}/${formatNumber(total)}`
}

import { fitLine } from './fit-line.ts'

/** The parts of a terminal that are written to. */
export type TerminalStream = Pick<NodeJS.WriteStream, 'write' | 'on' | 'off'> & {
  readonly columns?: number
  readonly rows?: number
}

/** The other screen, without a cursor; what was there before comes back with the first. */
const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

/** A screen of a terminal that is drawn in place, and leaves the terminal as it was. */
export class Terminal implements Disposable {
  readonly #stream: TerminalStream
  #isOpen = false
  /** What draws the present screen, for a window that changes. */
  #draw: ((size: { columns: number; rows: number }) => string[]) | undefined

  constructor(stream: TerminalStream) {
    this.#stream = stream
    stream.on('resize', this.#onResize)
    process.on('exit', this.#onExit)
    process.on('SIGTSTP', this.#onStop)
    process.on('SIGCONT', this.#onContinue)
    this.#enter()
  }

  /** Draws a screen, and draws it again when the window changes. Lines that are too long, or too many, are cut. */
  show(draw: (size: { columns: number; rows: number }) => string[]): void {
    this.#draw = draw
    if (!this.#isOpen) return
    const { columns = 80, rows = 24 } = this.#stream
    const lines = draw({ columns, rows })
    const shown = lines.length > rows ? [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`] : lines
    const text = shown.map((line) => `${fitLine(line, columns)}${CLEAR_LINE}`).join('\r\n')
    this.#stream.write(`${HOME}${text}${CLEAR_BELOW}`)
  }

  [Symbol.dispose](): void {
    this.#leave()
    this.#stream.off('resize', this.#onResize)
    process.off('exit', this.#onExit)
    process.off('SIGTSTP', this.#onStop)
    process.off('SIGCONT', this.#onContinue)
  }

  readonly #onResize = (): void => {
    if (this.#draw !== undefined) this.show(this.#draw)
  }

  readonly #onExit = (): void => this.#leave()

  /** Ctrl-Z: the shell gets its own screen meanwhile. */
  readonly #onStop = (): void => {
    this.#leave()
    process.kill(process.pid, 'SIGSTOP')
  }

  readonly #onContinue = (): void => {
    this.#enter()
    this.#onResize()
  }

  #enter(): void {
    if (!this.#isOpen) this.#stream.write(ENTER)
    this.#isOpen = true
  }

  #leave(): void {
    if (this.#isOpen) this.#stream.write(LEAVE)
    this.#isOpen = false
  }
}

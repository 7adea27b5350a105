import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { killProcess } from '../kill-process.ts'

/** A process that writes into a store and tells of it line by line. Killed at the end of the test if it is still there. */
export class ChildStore {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  #errors = ''

  /** @param wrapper a command that runs the one after it */
  constructor(t: TestContext, script: string, args: readonly string[], wrapper: readonly string[] = []) {
    const path = fileURLToPath(new URL(script, import.meta.url))
    const [command, ...rest] = [...wrapper, process.execPath, '-C', 'source', path, ...args] as [string, ...string[]]
    this.#process = spawn(command, rest, { stdio: 'pipe' })
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
    this.#process.stderr.on('data', (chunk) => {
      this.#errors += chunk
    })
    t.after(() => this.kill())
  }

  get pid(): number {
    return this.#process.pid as number
  }

  /** The next line that it says. */
  async line(): Promise<string> {
    const { done, value } = await this.#lines.next()
    if (done) throw new Error(`the process ended: ${this.#errors}`)
    return value
  }

  /** The lines that it said and nobody has asked for. To be called when it has ended. */
  async rest(): Promise<string[]> {
    const lines: string[] = []
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next()) lines.push(next.value)
    return lines
  }

  say(line: string): void {
    this.#process.stdin.write(`${line}\n`)
  }

  /** Kills it in the middle of whatever it does. @throws where it had failed before */
  async kill(): Promise<void> {
    if (this.#process.exitCode === 0) return
    try {
      await killProcess(this.#process)
    } catch (cause) {
      throw new Error(`the process failed: ${this.#errors}`, { cause })
    }
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** How a command ended. */
export interface CliResult {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A command of the CLI in a process of its own, as a user starts it. */
export class CliProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<CliResult>
  #more = Promise.withResolvers<void>()
  #stdout = ''
  #stderr = ''

  /**
   * @param script the launcher, or another script of the repository
   * @param wrapper a command that becomes the one after it
   */
  constructor(args: readonly string[], cwd: string, script = 'examples/soma-p2p.mjs', wrapper: readonly string[] = []) {
    const [command, ...rest] = [...wrapper, process.execPath, '-C', 'source', `${root}${script}`, ...args]
    const child = spawn(command as string, rest, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, NODE_TEST_CONTEXT: undefined }
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#more.resolve()
      this.#more = Promise.withResolvers()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#child = child
    this.#ended = once(child, 'close').then(([exitCode]) => ({
      exitCode: exitCode as number | null,
      stdout: this.#stdout,
      stderr: this.#stderr
    }))
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Resolves with the first match in what the process prints. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout)
      if (match !== null) return match
      const more = this.#more.promise
      if (!(await Promise.race([more.then(() => true), this.#ended.then(() => false)])))
        throw new Error(`ended without printing ${pattern}: ${this.#stdout}${this.#stderr}`)
    }
  }

  /** Resolves when the process has ended. */
  ended(): Promise<CliResult> {
    return this.#ended
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<CliResult> {
    this.#child.kill(signal)
    return await this.#ended
  }
}

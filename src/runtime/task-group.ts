import { setMaxListeners } from 'node:events'

/**
 * Tasks running beside an event loop, to be counted, aborted and waited for together.
 *
 * A task settles its own failures: what it throws after the group was aborted is its end, what it throws before goes to `onFailure`.
 */
export class TaskGroup {
  readonly #controller = new AbortController()
  readonly #tasks = new Set<Promise<void>>()
  readonly #onFailure: (error: unknown) => void

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure
    setMaxListeners(Number.POSITIVE_INFINITY, this.signal) // one listener a task, each taken off at its end
  }

  /** Aborts with the group. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get size(): number {
    return this.#tasks.size
  }

  /** Starts a task. */
  run(task: (signal: AbortSignal) => Promise<void>): void {
    const running = task(this.signal)
      .catch((thrown: unknown) => {
        if (!this.signal.aborted) this.#onFailure(thrown)
      })
      .finally(() => this.#tasks.delete(running))
    this.#tasks.add(running)
  }

  /** Aborts every task and resolves when the last has ended. */
  async stop(reason: Error): Promise<void> {
    this.#controller.abort(reason)
    while (this.#tasks.size > 0) await Promise.all(this.#tasks) // a task on its way out may have started another
  }
}

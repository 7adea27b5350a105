/** Runs tasks one after the other, in the order in which they were given. */
export class SerialQueue {
  #tail: Promise<unknown> = Promise.resolve()

  /** Resolves or rejects as the task does, which begins when all before it have ended, well or badly. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task)
    this.#tail = result.catch(() => undefined) // its own caller hears of it
    return result
  }
}

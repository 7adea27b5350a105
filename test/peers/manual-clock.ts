import type { Clock } from '../../src/runtime/clock.ts'

/** A clock that moves when it is told to. Wall and monotonic time go together, from different starts. */
export class ManualClock implements Clock {
  #elapsed = 0
  #sleepers: { readonly until: number; readonly wake: () => void }[] = []
  readonly #start: number

  constructor(start = 1_700_000_000_000) {
    this.#start = start
  }

  now(): number {
    return this.#start + this.#elapsed
  }

  monotonic(): number {
    return 1_000 + this.#elapsed
  }

  /** Moves on, and wakes whoever slept until then. */
  advance(milliseconds: number): void {
    this.#elapsed += milliseconds
    const due = this.#sleepers.filter((sleeper) => sleeper.until <= this.#elapsed)
    this.#sleepers = this.#sleepers.filter((sleeper) => sleeper.until > this.#elapsed)
    for (const { wake } of due) wake()
  }

  /** How many sleep. */
  get sleeping(): number {
    return this.#sleepers.length
  }

  sleep(milliseconds: number, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { until: this.#elapsed + milliseconds, wake: resolve }
      const abort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        reject(signal?.reason)
      }
      if (signal?.aborted === true) return abort()
      signal?.addEventListener('abort', abort, { once: true })
      this.#sleepers.push(sleeper)
    })
  }
}

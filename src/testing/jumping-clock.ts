import { type Clock, systemClock } from '../runtime/clock.ts'

/**
 * A clock whose wall time jumps when it is told to, as a machine's does when somebody sets it; its monotonic time goes on. For `NodeInit.clock`.
 *
 * ```ts
 * const clock = new JumpingClock()
 * const node = await createNode({ genesis, clock })
 * clock.jump(-3_600_000) // an hour back
 * ```
 */
export class JumpingClock implements Clock {
  readonly #clock: Clock
  #offsetMs = 0

  /** @param clock that it goes by. @default the machine's */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Milliseconds that its wall time is ahead of the true one; negative where it is behind. */
  get offsetMs(): number {
    return this.#offsetMs
  }

  /** Jumps so many milliseconds ahead, or back where they are negative. */
  jump(milliseconds: number): void {
    this.#offsetMs += milliseconds
  }

  now(): number {
    return this.#clock.now() + this.#offsetMs
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  sleep(milliseconds: number, options?: { signal?: AbortSignal }): Promise<void> {
    return this.#clock.sleep(milliseconds, options)
  }
}

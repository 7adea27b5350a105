import { setTimeout as delay } from 'node:timers/promises'

/** Time, passed in so that logic is tested without waiting for it. */
export interface Clock {
  /** Wall-clock time, in milliseconds since the Unix epoch. It may jump. */
  now(): number
  /** Monotonic time in milliseconds from an arbitrary start. It never goes back. */
  monotonic(): number
  /**
   * Resolves after `milliseconds`, without keeping the process alive.
   *
   * @throws the signal's reason when it aborts first
   */
  sleep(milliseconds: number, options?: { signal?: AbortSignal }): Promise<void>
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (milliseconds, options) => {
    try {
      await delay(milliseconds, undefined, { ref: false, ...options })
    } catch (thrown) {
      options?.signal?.throwIfAborted()
      throw thrown
    }
  }
}

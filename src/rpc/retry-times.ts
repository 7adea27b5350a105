import type { Clock } from '../runtime/clock.ts'

/** Longest wait that a peer is granted, in milliseconds: it may ask for any. */
const MAX_WAIT_MS = 60_000

export interface RetryTimesInit {
  readonly clock: Clock
  /** Most keys remembered; beyond it the one that waits longest already is forgotten. */
  readonly capacity: number
}

/** Who asked us to wait, or was asked to by us, and until when. Keys stand for a peer and a protocol. */
export class RetryTimes {
  readonly #init: RetryTimesInit
  readonly #until = new Map<string, number>()

  constructor(init: RetryTimesInit) {
    this.#init = init
  }

  /** Milliseconds still to wait; 0 when there is no need to. */
  waitMs(key: string): number {
    const until = this.#until.get(key)
    if (until === undefined) return 0
    const waitMs = until - this.#init.clock.monotonic()
    if (waitMs > 0) return Math.ceil(waitMs)
    this.#until.delete(key)
    return 0
  }

  /** Takes note of a wait that was asked for. A longer one that was asked for before stays. */
  asked(key: string, milliseconds: number): void {
    const until = this.#init.clock.monotonic() + Math.min(milliseconds, MAX_WAIT_MS)
    if ((this.#until.get(key) ?? 0) >= until) return
    this.#until.delete(key)
    const [oldest] = this.#until.keys()
    if (this.#until.size >= this.#init.capacity && oldest !== undefined) this.#until.delete(oldest)
    this.#until.set(key, until)
  }
}

import type { Logger } from '@libp2p/interface'
import { toError } from '../runtime/soma-error.ts'
import type { CommitStore } from '../storage/commit-store.ts'

export interface ExecutorPositionInit {
  readonly store: CommitStore
  /** The position of the slowest cursor, or `undefined` where there is none. */
  readonly slowestCursor: () => Promise<number | undefined>
  readonly log: Logger
}

/** How far whoever executes has come, by the slowest cursor. */
export class ExecutorPosition {
  readonly #init: ExecutorPositionInit
  #current = Number.POSITIVE_INFINITY
  #failure: string | undefined

  constructor(init: ExecutorPositionInit) {
    this.#init = init
  }

  /** By the last look. `Infinity` before there was one. */
  get current(): number {
    return this.#current
  }

  /** Why the cursors cannot be read. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Looks at the cursors. Where they cannot be read, the sync waits where it is until they can. */
  async look(): Promise<void> {
    const { store, slowestCursor, log } = this.#init
    const highestSynced = store.watermarks.highestSynced.index
    try {
      this.#current = (await slowestCursor()) ?? highestSynced
      this.#failure = undefined
    } catch (thrown) {
      const why = toError(thrown).message
      if (this.#failure === undefined) log.error('the cursors cannot be read: %s', why)
      this.#failure = `the cursors cannot be read: ${why}`
      this.#current = Math.min(highestSynced, this.#current)
    }
  }
}

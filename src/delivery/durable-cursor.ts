import type { Clock } from '../runtime/clock.ts'
import type { CommitStore } from '../storage/commit-store.ts'

/** Commits after which a position is stored: what a crash makes a subscriber see again, for one flush of the disk a hundred commits. */
const STORE_EVERY_COMMITS = 100
/** Milliseconds after which a position is stored, for subscribers slower than that. */
const STORE_EVERY_MS = 1_000

/** What a {@link DurableCursor} is made from. */
export interface DurableCursorInit {
  readonly store: CommitStore
  readonly clock: Clock
  readonly name: string
  /** Where the cursor stands in the store. */
  readonly position: number
}

/**
 * The stored position of one subscriber. It follows the subscriber in the background, one write at a time, so
 * that no subscriber waits for the disk.
 */
export class DurableCursor {
  readonly #store: CommitStore
  readonly #clock: Clock
  readonly #name: string
  #position: number
  #stored: number
  #closing = false
  #following: Promise<void> | undefined
  #failure: { readonly thrown: unknown } | undefined
  /** Ends the wait for the next second early. */
  #hurry: AbortController | undefined

  constructor({ store, clock, name, position }: DurableCursorInit) {
    this.#store = store
    this.#clock = clock
    this.#name = name
    this.#position = position
    this.#stored = position
  }

  /**
   * Says that every commit up to `position` is consumed.
   *
   * @throws {StorageError} when an earlier position could not be stored
   */
  moveTo(position: number): void {
    if (this.#failure !== undefined) throw this.#failure.thrown
    this.#position = position
    if (position - this.#stored >= STORE_EVERY_COMMITS) this.#hurry?.abort()
    this.#following ??= this.#follow()
  }

  /** Stores the position and ends whatever runs. */
  async close(): Promise<void> {
    this.#closing = true
    this.#hurry?.abort()
    await this.#following
    await this.#storePosition()
  }

  /** Waits for a second or a hundred commits and stores the position, until it is where the subscriber is. */
  async #follow(): Promise<void> {
    try {
      while (this.#stored !== this.#position && !this.#closing) {
        await this.#pause()
        await this.#storePosition()
      }
    } catch (thrown) {
      this.#failure = { thrown }
    } finally {
      this.#following = undefined
    }
  }

  async #pause(): Promise<void> {
    if (this.#position - this.#stored >= STORE_EVERY_COMMITS) return
    const hurry = new AbortController()
    this.#hurry = hurry
    try {
      await this.#clock.sleep(STORE_EVERY_MS, { signal: hurry.signal })
    } catch (thrown) {
      if (!hurry.signal.aborted) throw thrown
    } finally {
      this.#hurry = undefined
    }
  }

  async #storePosition(): Promise<void> {
    const position = this.#position
    if (position === this.#stored) return
    await this.#store.setCursor(this.#name, position)
    this.#stored = position
  }
}

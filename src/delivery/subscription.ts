import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Clock } from '../runtime/clock.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { SerialQueue } from '../storage/serial-queue.ts'
import { StorageError } from '../storage/storage-error.ts'
import type { SubscribeOptions } from './delivery.ts'
import { DeliveryError } from './delivery-error.ts'
import { DurableCursor } from './durable-cursor.ts'

/** What a subscription knows of the room that it is in. */
export interface SubscriptionRoom {
  readonly store: CommitStore
  readonly clock: Clock
  /** The lowest commit that a new subscriber may begin with: what a pruning under way is about to delete is gone already. */
  lowestAvailable(): number
  /** Whether every subscription is to end. */
  isStopped(): boolean
  /**
   * Puts a subscription on the list.
   *
   * @returns the way off it
   * @throws {DeliveryError} `CURSOR_BUSY`, `CURSOR_INVALID`
   */
  enter(subscription: Subscription, name: string | undefined): () => void
}

type Result = IteratorResult<CommittedSubDag, undefined>

const DONE: Result = { done: true, value: undefined }

/**
 * One subscriber's way through the chain: new -> open, at the first call of `next` -> ended, by its own end, an error, the signal or `return`.
 *
 * Calls are answered one at a time, in order. A commit is read when it is asked for, none ahead.
 */
export class Subscription implements AsyncIterator<CommittedSubDag, undefined> {
  readonly #room: SubscriptionRoom
  readonly #options: SubscribeOptions
  readonly #calls = new SerialQueue()
  #state: 'new' | 'open' | 'ended' = 'new'
  /** The highest commit consumed, as soon as it is known. */
  #position: number | undefined
  #cursor: DurableCursor | undefined
  #leave: (() => void) | undefined
  #returned = false
  #wake: (() => void) | undefined

  constructor(room: SubscriptionRoom, options: SubscribeOptions) {
    this.#room = room
    this.#options = options
  }

  /** The highest commit consumed; `undefined` until the subscription has begun. */
  get position(): number | undefined {
    return this.#position
  }

  /** Looks again whether there is something to do. */
  readonly wake = (): void => {
    this.#wake?.()
  }

  next(): Promise<Result> {
    return this.#calls.run(() => this.#next())
  }

  /** Ends the subscription, also while it waits for a commit. The commit in hand counts as not consumed. */
  async return(): Promise<Result> {
    this.#returned = true
    this.wake()
    await this.#calls.run(() => this.#end())
    return DONE
  }

  async #next(): Promise<Result> {
    if (this.#state === 'ended') return DONE
    try {
      const position = this.#position === undefined ? await this.#begin() : this.#advance(this.#position)
      const value = position === undefined ? undefined : await this.#take(position + 1)
      if (value !== undefined) return { done: false, value }
    } catch (thrown) {
      await this.#end().catch(() => undefined) // an earlier position stays stored, and the first failure is the one to report
      throw thrown
    }
    await this.#end()
    return DONE
  }

  /** new -> open. @returns where the subscription stands, or `undefined` when it is over before it began */
  async #begin(): Promise<number | undefined> {
    if (this.#isOver()) return undefined
    const { store, clock } = this.#room
    const { name, from, signal } = this.#options
    if (from !== undefined && (!Number.isSafeInteger(from) || from < 1)) {
      throw new DeliveryError('CURSOR_INVALID', `the first commit wanted is ${from}, and commits begin at 1`)
    }
    this.#leave = this.#room.enter(this, name)
    this.#state = 'open'
    signal?.addEventListener('abort', this.wake)

    const stored = name === undefined ? undefined : await store.getCursor(name)
    const position = from === undefined ? (stored ?? this.#room.lowestAvailable() - 1) : from - 1
    this.#requireAvailable(position + 1, this.#room.lowestAvailable())
    this.#position = position // from here on it holds back pruning
    if (name !== undefined) {
      if (position !== stored) await store.setCursor(name, position)
      this.#cursor = new DurableCursor({ store, clock, name, position })
    }
    return position
  }

  /** The subscriber comes for more, and so has consumed what it had. @returns where the subscription stands now */
  #advance(position: number): number {
    this.#position = position + 1
    this.#cursor?.moveTo(position + 1)
    return position + 1
  }

  /** Reads a commit, waiting until it is there. `undefined` when the subscription is over. */
  async #take(index: number): Promise<CommittedSubDag | undefined> {
    const { store } = this.#room
    while (!this.#isOver()) {
      if (index > store.watermarks.highestSynced.index) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      const subDag = await store.getSubDag(index)
      this.#requireAvailable(index, store.watermarks.lowestAvailable)
      if (subDag === undefined) throw new StorageError('STORAGE_CORRUPTED', `commit ${index} is missing in the store`)
      if (this.#isOver()) break
      return subDag
    }
    return undefined
  }

  /** -> ended */
  async #end(): Promise<void> {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#options.signal?.removeEventListener('abort', this.wake)
    try {
      await this.#cursor?.close()
    } finally {
      this.#leave?.()
    }
  }

  #isOver(): boolean {
    return this.#returned || this.#room.isStopped() || this.#options.signal?.aborted === true
  }

  #requireAvailable(index: number, lowestAvailable: number): void {
    if (index >= lowestAvailable) return
    throw new DeliveryError(
      'COMMIT_PRUNED',
      `commit ${index} is pruned: the lowest available one is ${lowestAvailable}`
    )
  }
}

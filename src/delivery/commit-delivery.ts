import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { SerialQueue } from '../storage/serial-queue.ts'
import type { Delivery, SubscribeOptions } from './delivery.ts'
import { DeliveryError } from './delivery-error.ts'
import { Subscription, type SubscriptionRoom } from './subscription.ts'

/** What a delivery is made from. */
export interface DeliveryInit {
  /** Where the commits are. Whoever writes to it calls `advance`. */
  readonly store: CommitStore
  /** @default the machine's own */
  readonly clock?: Clock
}

/** Names are labels of metrics and keys of status pages as well. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** What subscribers without a name are called. */
const UNNAMED = 'subscriber-'

/** Hands the commits of a store to its subscribers. */
export function createDelivery(init: DeliveryInit): Delivery {
  return new CommitDelivery(init)
}

class CommitDelivery implements Delivery {
  readonly #store: CommitStore
  readonly #room: SubscriptionRoom
  /** Subscriptions under way by name. */
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #prunes = new SerialQueue()
  #unnamed = 0
  /** Below it a pruning under way deletes. */
  #pruningBelow = 0
  #stopped = false

  constructor({ store, clock = systemClock }: DeliveryInit) {
    this.#store = store
    this.#room = {
      store,
      clock,
      lowestAvailable: () => Math.max(store.watermarks.lowestAvailable, this.#pruningBelow),
      isStopped: () => this.#stopped,
      enter: (subscription, name) => this.#enter(subscription, name)
    }
  }

  subscribe(options: SubscribeOptions = {}): AsyncIterable<CommittedSubDag> {
    return { [Symbol.asyncIterator]: () => new Subscription(this.#room, options) }
  }

  advance(): void {
    for (const subscription of this.#subscriptions.values()) subscription.wake()
  }

  prune(index: number, { force = false }: { force?: boolean } = {}): Promise<number> {
    return this.#prunes.run(async () => {
      const cursors = await this.#store.listCursors()
      const wanted = [...cursors.values(), ...this.#livePositions().values()].map((position) => position + 1)
      const held = force ? [] : wanted.filter((commit) => commit >= this.#store.watermarks.lowestAvailable)
      const below = Math.min(index, this.#store.watermarks.highestSynced.index, ...held)
      this.#pruningBelow = below
      try {
        return await this.#store.prune(below)
      } finally {
        this.#pruningBelow = 0
      }
    })
  }

  async positions(): Promise<ReadonlyMap<string, number>> {
    const cursors = await this.#store.listCursors()
    return new Map([...cursors, ...this.#livePositions()])
  }

  async slowest(): Promise<number | undefined> {
    const positions = await this.positions()
    const durable = [...positions].filter(([name]) => !name.startsWith(UNNAMED)).map(([, position]) => position)
    const { lowestAvailable } = this.#store.watermarks
    const able = durable.filter((position) => position + 1 >= lowestAvailable)
    return able.length === 0 ? undefined : Math.min(...able)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    const ends = await Promise.allSettled(
      Array.from(this.#subscriptions.values(), (subscription) => subscription.return())
    )
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #enter(subscription: Subscription, given: string | undefined): () => void {
    if (given !== undefined && (!NAME.test(given) || given.startsWith(UNNAMED))) {
      throw new DeliveryError('CURSOR_INVALID', `not a name for a cursor: ${JSON.stringify(given)}`)
    }
    const name = given ?? `${UNNAMED}${++this.#unnamed}`
    if (this.#subscriptions.has(name)) throw new DeliveryError('CURSOR_BUSY', `cursor ${name} has a subscriber already`)
    this.#subscriptions.set(name, subscription)
    return () => this.#subscriptions.delete(name)
  }

  /** Where the subscriptions under way stand, ahead of what is stored of them. */
  #livePositions(): Map<string, number> {
    const positions = new Map<string, number>()
    for (const [name, { position }] of this.#subscriptions) {
      if (position !== undefined) positions.set(name, position)
    }
    return positions
  }
}

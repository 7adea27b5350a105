import type { PeerId } from '@libp2p/interface'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { TaskGroup } from '../runtime/task-group.ts'
import type { Dht, FoundPeer } from './dht/dht.ts'

export interface DhtFeedInit {
  readonly dht: Dht
  readonly tasks: TaskGroup
  readonly clock: Clock
  readonly random: Random
  /** Milliseconds between ticks: the waits are multiples of it. */
  readonly tickMs: number
  readonly isKnown: (peerId: PeerId) => boolean
  readonly onFound: (peer: FoundPeer) => void
}

/** How a node stands at a tick. */
export interface FeedState {
  /** Whether it has too few peers. */
  readonly isIsolated: boolean
  /** Whether it may announce itself: it is public, and has addresses to be reached at. */
  readonly mayProvide: boolean
  /** Peers that it should be connected to and has no address that works. */
  readonly lacking: readonly PeerId[]
}

/** A query of the DHT has a deadline of its own; this is the longest that one of ours may take in all, in milliseconds. */
const QUERY_DEADLINE_MS = 60_000
/** First announcement: after so many ticks, and up to twice as many, so that a network that starts at once does not announce itself at once. */
const FIRST_PROVIDE_TICKS = 6
/** Announcements fade from the DHT after a day or two. */
const PROVIDE_INTERVAL_MS = 12 * 60 * 60_000
/** Longest wait between lookups that bring nothing new, in ticks. */
const MAX_WAIT_TICKS = 60

/** A repeated task: when it is due, and how long it waits next time. */
interface Due {
  at: number
  waitMs: number
}

/**
 * Feeds the table of known peers from the DHT, where gossip does not do: it announces this node, looks for others when there are too few, and for the
 * addresses of peers that it should be connected to. A lookup in vain doubles the wait for the next.
 */
export class DhtFeed {
  readonly #init: DhtFeedInit
  #provide: Due | undefined
  #lookup: Due = { at: 0, waitMs: 0 }
  readonly #searches = new Map<string, Due>()
  readonly #busy = new Set<'provide' | 'lookup' | 'search'>()

  constructor(init: DhtFeedInit) {
    this.#init = init
  }

  tick(state: FeedState): void {
    const { clock, random, tickMs, dht } = this.#init
    const now = clock.monotonic()
    this.#provide ??= { at: now + tickMs * FIRST_PROVIDE_TICKS * (1 + random.next()), waitMs: 0 }
    if (!state.isIsolated) this.#lookup = { at: 0, waitMs: 0 }
    if (dht.status().routingTable === 0) return // nobody to ask
    if (state.mayProvide && (now >= this.#provide.at || (state.isIsolated && this.#provide.waitMs === 0))) {
      this.#run('provide', this.#provide, (signal) => this.#announce(signal))
    }
    if (state.isIsolated && now >= this.#lookup.at) {
      this.#run('lookup', this.#lookup, (signal) => this.#take(dht.findProviders({ signal })))
    }
    this.#search(state.lacking, now)
  }

  /** Of those lacking, the one who has waited longest. */
  #search(lacking: readonly PeerId[], now: number): void {
    const names = new Set(lacking.map(String))
    for (const key of this.#searches.keys()) if (!names.has(key)) this.#searches.delete(key)
    const searches = lacking.map((peerId) => {
      const due = this.#searches.get(peerId.toString()) ?? { at: 0, waitMs: 0 }
      this.#searches.set(peerId.toString(), due)
      return { peerId, due }
    })
    const [first] = searches.sort((a, b) => a.due.at - b.due.at)
    if (first === undefined || now < first.due.at) return
    this.#run('search', first.due, (signal) => this.#take(this.#init.dht.findPeer(first.peerId, { signal })))
  }

  /** Runs one task of a kind at a time. It says whether it brought anything new. */
  #run(kind: 'provide' | 'lookup' | 'search', due: Due, task: (signal: AbortSignal) => Promise<boolean>): void {
    if (this.#busy.has(kind)) return
    this.#busy.add(kind)
    const { tasks, clock, tickMs } = this.#init
    due.waitMs = Math.min(Math.max(tickMs, due.waitMs * 2), tickMs * MAX_WAIT_TICKS)
    due.at = Number.POSITIVE_INFINITY
    tasks.run(async (stopped) => {
      const signal = AbortSignal.any([stopped, AbortSignal.timeout(QUERY_DEADLINE_MS)])
      let isFruitful = false
      try {
        isFruitful = await task(signal)
      } catch {
        stopped.throwIfAborted() // else the network's fault, or the deadline's: it counts as in vain
      } finally {
        this.#busy.delete(kind)
      }
      if (isFruitful) due.waitMs = kind === 'provide' ? PROVIDE_INTERVAL_MS : tickMs
      due.at = clock.monotonic() + due.waitMs
    })
  }

  async #announce(signal: AbortSignal): Promise<boolean> {
    return (await this.#init.dht.provide({ signal })) > 0
  }

  async #take(found: AsyncIterable<FoundPeer>): Promise<boolean> {
    let isNews = false
    for await (const peer of found) {
      if (!this.#init.isKnown(peer.peerId)) isNews = true
      this.#init.onFound(peer)
    }
    return isNews
  }
}

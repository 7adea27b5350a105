import type { PeerId } from '@libp2p/interface'
import type { Peers } from '../peers/peers.ts'
import type { Clock } from '../runtime/clock.ts'
import { type Random, shuffled } from '../runtime/random.ts'
import type { DiscoveryConfig } from './discovery.ts'
import type { Exchanges } from './exchanges.ts'

export interface TurnsInit {
  readonly config: Pick<DiscoveryConfig, 'discoveryIntervalMs' | 'peersPerTick'>
  readonly clock: Clock
  readonly random: Random
  readonly peers: Peers
  readonly exchanges: Exchanges
}

/** Whose turn it is to be asked: a few connected peers from one tick to the next, one after the other, so that each need not send what those before have brought. */
export class Turns {
  readonly #init: TurnsInit
  /** Whose turn it was since the last tick. */
  readonly #asked = new Set<string>()
  #askedAt = Number.NEGATIVE_INFINITY

  constructor(init: TurnsInit) {
    this.#init = init
  }

  /** Milliseconds from one turn to the next. */
  get everyMs(): number {
    const { discoveryIntervalMs, peersPerTick } = this.#init.config
    return discoveryIntervalMs / Math.max(1, peersPerTick)
  }

  /** A tick: it may be anybody's turn again. */
  tick(): void {
    const { peers, exchanges } = this.#init
    exchanges.retain(peers.connected().map(({ peerId }) => peerId))
    this.#asked.clear()
    this.take()
  }

  /** Asks as many as it was time for since it did so last: after a tick first the one that was asked longest ago, then others at random, none twice. */
  take(): void {
    const { config, clock, random, peers, exchanges } = this.#init
    const now = clock.monotonic()
    const count = Math.min(config.peersPerTick, Math.round((now - this.#askedAt) / this.everyMs))
    if (count === 0) return
    this.#askedAt = now
    const connected = peers.connected().map(({ peerId }) => peerId)
    const askable = connected.filter((peerId) => peers.isAvailable(peerId) && !this.#asked.has(peerId.toString()))
    const first = this.#asked.size === 0 ? exchanges.askedLongestAgo(askable) : undefined
    const isFirst = (peerId: PeerId) => first?.equals(peerId) === true
    const chosen = shuffled(random, askable).sort((a, b) => Number(isFirst(b)) - Number(isFirst(a)))
    for (const peerId of chosen.slice(0, count)) {
      this.#asked.add(peerId.toString())
      exchanges.ask(peerId)
    }
  }
}

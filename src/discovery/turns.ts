import type { PeerId } from '@libp2p/interface'
import type { Peers } from '../peers/peers.ts'
import type { Clock } from '../runtime/clock.ts'
import { type Random, shuffled } from '../runtime/random.ts'
import type { DiscoveryConfig } from './discovery.ts'
import type { Exchanges } from './exchanges.ts'
import type { KnownPeers } from './known-peers.ts'

export interface TurnsInit {
  readonly config: Pick<DiscoveryConfig, 'discoveryIntervalMs' | 'peersPerTick'>
  readonly clock: Clock
  readonly random: Random
  readonly peers: Peers
  readonly known: Pick<KnownPeers, 'isFrom'>
  readonly exchanges: Exchanges
}

/**
 * Whose turn it is to be asked: a few connected peers from one tick to the next, one after the other, so that each need not send what those before have brought.
 *
 * They are drawn at random, nobody twice before everybody once. Seeds have no turn while enough others could have it: the whole network begins with them, and would
 * go on asking them first.
 */
export class Turns {
  readonly #init: TurnsInit
  /** Whose turn it was since the last tick. */
  readonly #sinceTick = new Set<string>()
  /** Connected peers that were asked in this round: when all were, the next begins. */
  readonly #asked = new Set<string>()
  #takenAt = Number.NEGATIVE_INFINITY

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
    const connected = peers.connected().map(({ peerId }) => peerId)
    exchanges.retain(connected)
    const keys = new Set(connected.map(String))
    for (const key of this.#asked) if (!keys.has(key)) this.#asked.delete(key)
    this.#sinceTick.clear()
    this.take()
  }

  /** Takes note of a peer that was asked out of turn, because it is new: that was its turn in this round. */
  asked(peerId: PeerId): void {
    this.#asked.add(peerId.toString())
  }

  /** Asks as many as it was time for since it did so last. */
  take(): void {
    const due = Math.round((this.#init.clock.monotonic() - this.#takenAt) / this.everyMs)
    if (due > 0) this.#ask(due)
  }

  /** A peer told of others unknown until then. If it was asked in turn, the next is asked at once: there is more to learn, and soon. */
  learned(peerId: PeerId): void {
    if (this.#sinceTick.has(peerId.toString())) this.#ask(1)
  }

  #ask(count: number): void {
    const { config, clock, exchanges } = this.#init
    this.#takenAt = clock.monotonic()
    for (const peerId of this.#draw(Math.min(count, config.peersPerTick - this.#sinceTick.size))) {
      this.#sinceTick.add(peerId.toString())
      exchanges.ask(peerId)
    }
  }

  #draw(count: number): PeerId[] {
    const { random } = this.#init
    const askable = shuffled(random, this.#askable())
    const first = askable.filter((peerId) => !this.#asked.has(peerId.toString())).slice(0, count)
    const again = askable.filter((peerId) => this.#asked.has(peerId.toString())).slice(0, count - first.length)
    if (again.length > 0) this.#asked.clear()
    for (const peerId of again.length > 0 ? again : first) this.asked(peerId)
    return [...first, ...again]
  }

  /** Those who answer, and have had no turn since the last tick. */
  #askable(): PeerId[] {
    const { config, peers, known } = this.#init
    const available = peers.connected().flatMap(({ peerId }) => (peers.isAvailable(peerId) ? [peerId] : []))
    const others = available.filter((peerId) => !known.isFrom('seed', peerId))
    const askable = others.length < config.peersPerTick ? available : others
    return askable.filter((peerId) => !this.#sinceTick.has(peerId.toString()))
  }
}

import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../runtime/clock.ts'
import { singleLine } from '../runtime/single-line.ts'
import { toError } from '../runtime/soma-error.ts'

/** A peer that could not be reached. */
export interface FailedDial {
  readonly peerId: PeerId
  /** When, in milliseconds since the Unix epoch. */
  readonly atMs: number
  /** The addresses that were tried, and how they failed, for people. */
  readonly reason: string
}

/** Failed dials that are remembered: enough to see what they have in common. */
const CAPACITY = 16
/** Addresses of a peer that are named. */
const MOST_NAMED = 3
const MOST_CHARACTERS = 240

/** The last dials that failed, one a peer: what an operator without peers asks first. */
export class FailedDials {
  readonly #clock: Clock
  readonly #dials = new Map<string, FailedDial>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(peerId: PeerId, addresses: readonly Multiaddr[], error: Error): void {
    const key = peerId.toString()
    const more = addresses.length > MOST_NAMED ? ` and ${addresses.length - MOST_NAMED} more` : ''
    const where = addresses.slice(0, MOST_NAMED).map(String).join(', ')
    const reason = singleLine(`${where}${more}: ${why(error)}`, MOST_CHARACTERS)
    this.#dials.delete(key) // the newest is last
    this.#dials.set(key, { peerId, atMs: this.#clock.now(), reason })
    const [oldest] = this.#dials.keys()
    if (this.#dials.size > CAPACITY && oldest !== undefined) this.#dials.delete(oldest)
  }

  /** A peer is reached. */
  forget(peerId: PeerId): void {
    this.#dials.delete(peerId.toString())
  }

  /** The newest last. */
  list(): FailedDial[] {
    return [...this.#dials.values()]
  }
}

/** What libp2p says: of several addresses, all it says of each, once. */
function why(error: Error): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time'
  const errors = error instanceof AggregateError && error.errors.length > 0 ? error.errors.map(toError) : [error]
  return [...new Set(errors.map(({ message, name }) => message || name))].join('; ')
}

import { type Random, randomInteger } from '../runtime/random.ts'

/** A connected peer, as far as the choice looks at it. */
export interface Evictable {
  readonly direction: 'inbound' | 'outbound'
  readonly isProtected: boolean
  readonly bytesPerMinute: number
}

export interface EvictionRules {
  /** Peers that we dialled, up to this number, that those who dialled us cannot push out. */
  readonly outboundReserve: number
  readonly random: Random
}

/**
 * Who has to go when there are too many: who delivered least, to the byte, among those without protection; ties at random. The newcomer is one of
 * them.
 *
 * While the outbound peers are no more than the reserve, none of them is chosen as long as there is anybody else. Whoever could make us drop those
 * that we chose could surround us with their own.
 *
 * @param newcomer the one that came last; it may be outbound, and then takes the place of an inbound one or of one of its own kind
 * @returns `undefined` when nobody may go
 */
export function chooseEvicted<T extends Evictable>(
  peers: readonly T[],
  newcomer: T | undefined,
  { outboundReserve, random }: EvictionRules
): T | undefined {
  const unprotected = peers.filter(({ isProtected }) => !isProtected)
  const outbound = peers.filter(({ direction }) => direction === 'outbound').length
  const inbound = unprotected.filter(({ direction }) => direction === 'inbound')
  const isReserved = outbound <= outboundReserve && (inbound.length > 0 || newcomer?.direction === 'inbound')
  const candidates = isReserved ? inbound : unprotected
  const least = Math.min(...candidates.map(delivered))
  const tied = candidates.filter((peer) => delivered(peer) === least)
  return tied[randomInteger(random, tied.length)]
}

/** To the byte: what is left of a delivery long ago is no merit. */
function delivered({ bytesPerMinute }: Evictable): number {
  return Math.round(bytesPerMinute)
}

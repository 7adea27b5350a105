import { type Random, shuffled } from '../runtime/random.ts'
import type { KnownPeer } from './known-peers.ts'

export interface DialPlanInput {
  readonly known: readonly KnownPeer[]
  /** Peers connected, and peers being dialled. */
  readonly taken: number
  /** Peers to be connected to. */
  readonly target: number
  readonly random: Random
  /** Whether a peer could be dialled now. */
  readonly canDial: (peer: KnownPeer) => boolean
}

/**
 * Whom to dial now: every configured peer; then, up to the target, peers of the committee and of gossip at random, so that nobody can steer
 * the choice; then seeds, if those are not enough.
 */
export function planDials({ known, taken, target, random, canDial }: DialPlanInput): KnownPeer[] {
  const candidates = shuffled(
    random,
    known.filter((peer) => peer.addresses.length > 0 && canDial(peer))
  )
  const configured = candidates.filter((peer) => peer.source === 'configured')
  const room = Math.max(0, target - taken - configured.length)
  const others = candidates.filter((peer) => peer.source === 'committee' || peer.source === 'gossip')
  const seeds = candidates.filter((peer) => peer.source === 'seed')
  return [...configured, ...[...others, ...seeds].slice(0, room)]
}

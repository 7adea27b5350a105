import type { ConnectedPeer } from '../peers/peers.ts'
import type { GoodPeer } from './good-peers.ts'
import type { KnownPeers } from './known-peers.ts'

/** Those connected, as they are remembered for a restart: as far as an address is known of them. */
export function goodCompany(connected: readonly ConnectedPeer[], known: KnownPeers, now: number): GoodPeer[] {
  return connected.flatMap(({ peerId, direction }) => {
    const peer = known.get(peerId)
    if (peer === undefined || peer.addresses.length === 0) return []
    const { addresses, info } = peer
    return [{ peerId, addresses, isDialled: direction === 'outbound', seenMs: now, sealed: info?.sealed }]
  })
}

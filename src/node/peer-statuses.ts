import type { NodeLibp2p } from './node-parts.ts'
import type { PeerStatus } from './soma-node.ts'

/** What there is to say of every connected peer. */
export function peerStatuses({ services: { peers, stateSync, discovery } }: NodeLibp2p): PeerStatus[] {
  const sources = new Map(discovery.known().map(({ peerId, source }) => [peerId.toString(), source]))
  return peers.connected().map((peer) => {
    const { peerId, address, direction, connectedMs, isProtected, bytesPerMinute } = peer
    const height = stateSync.heightOf(peerId)
    return {
      peerId: peerId.toString(),
      address: address.toString(),
      direction,
      source: sources.get(peerId.toString()) ?? 'inbound',
      connectedMs: Math.round(connectedMs),
      isProtected,
      score: { bytesPerMinute: Math.round(bytesPerMinute), penalty: peers.standing(peerId).penalty },
      highestCommit: height?.highest,
      lowestCommit: height?.lowest
    }
  })
}

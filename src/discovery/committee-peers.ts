import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Committee } from '../consensus/committee.ts'
import type { PeerAddresses } from '../peers/peers.ts'
import { parseAddress } from './addresses.ts'
import { DiscoveryError } from './discovery-error.ts'

/**
 * The validators of a committee as peers, for `Discovery.setCommittee`. Addresses that cannot be dialled are left out: they are the validator's own business,
 * and no reason to refuse a committee. A validator left without any may still be found by its peer id.
 */
export function committeePeers(committee: Committee): PeerAddresses[] {
  return committee.validators.map(({ networkKey, addresses: texts }) => {
    const peerId = peerIdFromPublicKey(publicKeyFromRaw(networkKey))
    const addresses: Multiaddr[] = []
    for (const text of texts) {
      try {
        addresses.push(parseAddress(text, peerId))
      } catch (thrown) {
        if (!(thrown instanceof DiscoveryError)) throw thrown
      }
    }
    return { peerId, addresses }
  })
}

import { CID } from 'multiformats/cid'
import { create } from 'multiformats/hashes/digest'
import { type Digest, digestOf } from '../../consensus/digest.ts'

/** The code of a SHA2-256 multihash. */
const SHA2_256 = 0x12

/**
 * The key under which the nodes of a chain announce themselves.
 *
 * To the DHT a key is a multihash, and one of another kind than SHA2-256 does not parse everywhere. So the digest, BLAKE2b-256 like all of ours, goes by
 * that name: nobody ever compares it with what it is a digest of.
 */
export function rendezvousKey(chainId: Digest): CID {
  return CID.createV0(create(SHA2_256, digestOf('rendezvous', chainId)))
}

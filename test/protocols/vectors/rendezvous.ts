import { digestOf } from '../../../src/consensus/digest.ts'
import { KAD_TYPE, kadMessage } from '../../../src/discovery/dht/kad-message.ts'
import { rendezvousKey } from '../../../src/discovery/dht/rendezvous.ts'
import { protocolId } from '../../../src/rpc/protocol-id.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import { chainId } from './fixture.ts'

export function rendezvousVectors(): unknown {
  const key = rendezvousKey(chainId)
  const { bytes } = key.multihash
  return {
    about:
      'The protocol id of the DHT and the rendezvous key of the chain of genesis.json: its digest, the multihash that messages carry, and that as a CID; a request for those who announced themselves under it, without its length prefix.',
    chain_id: toHex(chainId),
    protocol: protocolId(chainId, 'kad'),
    digest: toHex(digestOf('rendezvous', chainId)),
    key: toHex(bytes),
    cid: key.toString(),
    get_providers: toHex(kadMessage.encode({ type: KAD_TYPE.getProviders, key: bytes, closer: [], providers: [] }))
  }
}

import { digestOf } from '../../../src/consensus/digest.ts'
import { nodeInfoMessage } from '../../../src/discovery/messages.ts'
import { contentDigest } from '../../../src/discovery/node-info.ts'
import { toHex } from '../../../src/runtime/hex.ts'
import { fieldsOf } from './fields.ts'
import { chainId, secretsOf } from './fixture.ts'
import { sealedInfo } from './sealed-infos.ts'

export async function nodeInfoVectors(): Promise<unknown> {
  const infos = await Promise.all([0, 1].map(sealedInfo))
  const digests = infos.map(({ content }) => contentDigest(content))
  return {
    about:
      'Node infos sealed by the network keys of two validators of genesis.json; digest stands for each in the digest of known peers, which is over both; known_prefixes are those of both, in their order here.',
    chain_id: toHex(chainId),
    infos: infos.map(({ peerId, content, sealed }, index) => ({
      network_seed: toHex(secretsOf(index).networkSeed),
      peer_id: peerId.toString(),
      fields: fieldsOf(nodeInfoMessage, content),
      payload: toHex(nodeInfoMessage.encode(content)),
      envelope: toHex(sealed),
      digest: toHex(contentDigest(content))
    })),
    known_digest: toHex(digestOf('known-peers', ...digests.toSorted(Buffer.compare))),
    known_prefixes: digests.map((digest) => toHex(digest).slice(0, 16)).join('')
  }
}

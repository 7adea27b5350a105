import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { ACCESS_TYPE, type NodeInfoContent } from '../../../src/discovery/messages.ts'
import { sealNodeInfo } from '../../../src/discovery/node-info.ts'
import { chainId, genesis, secretsOf } from './fixture.ts'

/** A node info of the fixture, sealed, with the key that did it. */
export interface SealedInfo {
  readonly privateKey: PrivateKey
  readonly peerId: PeerId
  readonly content: NodeInfoContent
  readonly sealed: Uint8Array
}

/** The info of validator `index`, an hour and a minute after the start of the chain. */
export async function sealedInfo(index: number): Promise<SealedInfo> {
  const privateKey = await generateKeyPairFromSeed('Ed25519', secretsOf(index).networkSeed)
  const peerId = peerIdFromPrivateKey(privateKey)
  const content: NodeInfoContent = {
    peerId: peerId.toMultihash().bytes,
    addresses: [`/ip4/192.0.2.${index + 1}/tcp/9000`, `/dns4/node-${index}.example/tcp/9000`],
    timestampMs: genesis.startTimeMs + 3_660_000,
    accessType: ACCESS_TYPE.public,
    capabilities: [
      { protocol: 'fetch-commits', lowest: 1, highest: 2 },
      { protocol: 'fetch-blocks', lowest: 1, highest: 2 }
    ]
  }
  return { privateKey, peerId, content, sealed: await sealNodeInfo(content, privateKey, chainId) }
}

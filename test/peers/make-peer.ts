import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'

export interface TestPeer {
  readonly privateKey: PrivateKey
  readonly peerId: PeerId
}

/** The peer of a number: the same one each time. */
export async function makePeer(number: number): Promise<TestPeer> {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, number + 1)
  const privateKey = await generateKeyPairFromSeed('Ed25519', seed)
  return { privateKey, peerId: peerIdFromPrivateKey(privateKey) }
}

export async function makePeers(count: number): Promise<TestPeer[]> {
  return await Promise.all(Array.from({ length: count }, (_, number) => makePeer(number)))
}

import { noise } from '@chainsafe/libp2p-noise'
import type { Libp2pInit } from 'libp2p'
import { corkWrites } from './corked-writes.ts'
import { nativeNoiseCrypto } from './noise-crypto.ts'
import type { NodeConfig } from './soma-node.ts'

type Encrypters = NonNullable<Libp2pInit['connectionEncrypters']>

/** What connections are encrypted with, in the order in which this node's dials ask for it. Who is dialled speaks whichever of them the other asks for. */
export async function encryptersOf({ encryption }: Pick<NodeConfig, 'encryption'>): Promise<Encrypters> {
  const ownNoise = corkWrites(noise({ ...(nativeNoiseCrypto && { crypto: nativeNoiseCrypto }) }))
  if (encryption === 'noise') return [ownNoise]
  const { tls } = await import('@libp2p/tls') // with what it brings along it takes a node 50 MiB, and a second to start
  return [tls(), ownNoise]
}

import { createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { encode } from 'uint8-varint'
import { Uint8ArrayList } from 'uint8arraylist'
import { KAD_TYPE, type KadPeer, kadMessage } from '../../../src/discovery/dht/kad-message.ts'
import { protocolId } from '../../../src/rpc/protocol-id.ts'
import { baseServices, startNode } from '../../peers/start-node.ts'
import { chainId } from './start-dht.ts'

export const KAD_PROTOCOL: string = protocolId(chainId, 'kad')

/** A node on loopback that says it serves the DHT, and does with each stream whatever it is told to. */
export async function startHostile(context: TestContext, serve: (stream: Stream) => void): Promise<Libp2p> {
  const node = await startNode(context, { services: baseServices })
  await node.handle(KAD_PROTOCOL, serve)
  return node
}

/** An answer that names peers, with its length before it. */
export function answerWith(closer: readonly KadPeer[], providers: readonly KadPeer[]): Uint8Array {
  const message = kadMessage.encode({ type: KAD_TYPE.getProviders, key: undefined, closer, providers })
  return framed(message)
}

export function framed(message: Uint8Array): Uint8Array {
  return new Uint8ArrayList(encode(message.byteLength), message).subarray()
}

/** Peers that nobody has ever met, all at one address. */
export async function inventedPeers(count: number, address: Multiaddr): Promise<KadPeer[]> {
  const keys = await Promise.all(Array.from({ length: count }, () => generateKeyPair('Ed25519')))
  return keys.map((key) => ({ id: peerIdFromPrivateKey(key).toMultihash().bytes, addresses: [address.bytes] }))
}

/** A socket on loopback that nobody is to connect to, and how many did. */
export async function startTrap(context: TestContext): Promise<{ address: Multiaddr; readonly caught: number }> {
  let caught = 0
  const server = createServer((socket) => {
    caught += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('not listening')
  return {
    address: multiaddr(`/ip4/127.0.0.1/tcp/${bound.port}`),
    get caught() {
      return caught
    }
  }
}

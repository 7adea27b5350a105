import type { Libp2p, Stream } from '@libp2p/interface'
import { KAD_TYPE, type KadMessage, kadMessage, MAX_ANSWER_BYTES } from '../../../src/discovery/dht/kad-message.ts'
import { rendezvousKey } from '../../../src/discovery/dht/rendezvous.ts'
import { Deframer } from '../../../src/rpc/deframer.ts'
import { framed, KAD_PROTOCOL } from './hostile-server.ts'
import { chainId, type DhtNode } from './start-dht.ts'

export const RENDEZVOUS: Uint8Array = rendezvousKey(chainId).multihash.bytes

/** A request's bytes, with the length before them. */
export function request(type: keyof typeof KAD_TYPE | number, fields: Partial<KadMessage> = {}): Uint8Array {
  const number = typeof type === 'number' ? type : KAD_TYPE[type]
  return framed(kadMessage.encode({ key: undefined, closer: [], providers: [], ...fields, type: number }))
}

/** Sends bytes on a stream of their own. @returns the answer, or `undefined` when the stream is reset or closed without one */
export async function ask(node: Libp2p, server: DhtNode, bytes: Uint8Array): Promise<KadMessage | undefined> {
  const stream = await node.dialProtocol(server.address, KAD_PROTOCOL)
  return answerOn(stream, () => stream.send(bytes))
}

/** What comes next on a stream, after something is sent. */
export function answerOn(stream: Stream, send: () => void): Promise<KadMessage | undefined> {
  const deframer = new Deframer()
  return new Promise((resolve) => {
    stream.addEventListener('close', () => resolve(undefined))
    stream.addEventListener('remoteCloseWrite', () => resolve(undefined))
    stream.addEventListener('message', ({ data }) => {
      deframer.push(data)
      const frame = deframer.take(MAX_ANSWER_BYTES)
      if (frame === undefined) return
      resolve(kadMessage.decode(frame))
      stream.close().catch((error: Error) => stream.abort(error))
    })
    send()
  })
}

import {
  bytes,
  enumeration,
  message,
  optional,
  repeated,
  submessage,
  type WireMessage
} from '../../runtime/wire-message.ts'

/** Most bytes of a request: a provider with all its addresses needs a fraction of it. */
export const MAX_REQUEST_BYTES: number = 4 * 1024
/** Most bytes of an answer: 20 closer peers and 20 providers of eight addresses each are 20 KiB. */
export const MAX_ANSWER_BYTES: number = 64 * 1024

/** Numbers of the message types that are served. Values (0 and 1) are not. */
export const KAD_TYPE = { addProvider: 2, getProviders: 3, findNode: 4, ping: 5 } as const

/** A peer as messages name it: its id, a multihash, and its addresses, each a multiaddr in its binary form. */
export interface KadPeer {
  readonly id: Uint8Array
  readonly addresses: readonly Uint8Array[]
}

/** A request or an answer of the libp2p Kademlia specification: what we read of it. */
export interface KadMessage {
  readonly type: number
  readonly key: Uint8Array | undefined
  readonly closer: readonly KadPeer[]
  readonly providers: readonly KadPeer[]
}

const kadPeerMessage: WireMessage<KadPeer> = message('Message.Peer', {
  id: bytes(1, { most: 64 }),
  addresses: repeated(bytes(2, { most: 512 }), 64)
})

export const kadMessage: WireMessage<KadMessage> = message('Message', {
  type: enumeration(1, 'MessageType'),
  key: optional(bytes(2, { most: 256 })),
  closer: repeated(submessage(8, kadPeerMessage), 128),
  providers: repeated(submessage(9, kadPeerMessage), 128)
})

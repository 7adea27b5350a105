import { MAX_ADDRESS_BYTES, MAX_ADDRESSES } from '../consensus/limits.ts'
import {
  bytes,
  enumeration,
  message,
  optional,
  repeated,
  string,
  submessage,
  uint64,
  type WireMessage
} from '../runtime/wire-message.ts'

/** Most node infos of one GetKnownPeers answer. */
export const MAX_NODE_INFOS = 200
/** Most bytes of a sealed node info: eight addresses of full length, and the envelope. */
export const MAX_SIGNED_NODE_INFO_BYTES: number = 12 * 1024
/** Most bytes of an encoded peer id. */
const MAX_PEER_ID_BYTES = 64
/** Bytes of the digest of an info that stand for it in `known_prefixes`. */
export const PREFIX_BYTES = 8
/** Most digests that `known_prefixes` holds. */
export const MAX_PREFIXES = 2_000
/** Most protocols that a node info may name. */
const MAX_CAPABILITIES = 32

/** Numbers of the access types on the wire. */
export const ACCESS_TYPE: Readonly<Record<AccessType, number>> = { public: 1, private: 2, trusted: 3 }

/** Who may learn of a node: everyone (`public`), peers that its operator configured (`private`), or those and whom they configured in turn (`trusted`). */
export type AccessType = 'public' | 'private' | 'trusted'

/** Something that a node serves: a protocol by name, and the commits it serves it for. */
export interface Capability {
  /** Last part of a protocol id, such as `fetch-commits`. */
  readonly protocol: string
  readonly lowest: number
  /** 0 means no bound. */
  readonly highest: number
}

/** What a node says of itself, as it travels inside the sealed envelope. */
export interface NodeInfoContent {
  /** The subject, as the bytes of its peer id. Whoever seals must be it. */
  readonly peerId: Uint8Array
  /** Multiaddrs in their text form. */
  readonly addresses: readonly string[]
  readonly timestampMs: number
  /** One of `ACCESS_TYPE`. */
  readonly accessType: number
  readonly capabilities: readonly Capability[]
}

export const capabilityMessage: WireMessage<Capability> = message('Capability', {
  protocol: string(1, 64),
  lowest: uint64(2),
  highest: uint64(3)
})

export const nodeInfoMessage: WireMessage<NodeInfoContent> = message('NodeInfo', {
  peerId: bytes(1, { most: MAX_PEER_ID_BYTES }),
  addresses: repeated(string(2, MAX_ADDRESS_BYTES), MAX_ADDRESSES),
  timestampMs: uint64(3),
  accessType: enumeration(4, 'AccessType'),
  capabilities: repeated(submessage(5, capabilityMessage), MAX_CAPABILITIES)
})

/** Asks a peer for itself and for others that it knows. */
export interface GetKnownPeersRequest {
  /** The asker's own sealed info; absent where it wants to stay unknown. */
  readonly ownInfo: Uint8Array | undefined
  /** Digest of what the asker knows: a server that knows the same may leave the infos out. */
  readonly knownDigest: Uint8Array | undefined
  /** The first 8 bytes of the digest of each info that the asker knows, one after the other: the server leaves these infos out. */
  readonly knownPrefixes: Uint8Array | undefined
}

/** A peer, and others that it knows. */
export interface GetKnownPeersResponse {
  /** The server's own sealed info; absent where it wants to stay unknown. */
  readonly ownInfo: Uint8Array | undefined
  /** Sealed infos of others, each as its subject sealed it. */
  readonly knownInfos: readonly Uint8Array[]
}

export const getKnownPeersRequestMessage: WireMessage<GetKnownPeersRequest> = message('GetKnownPeersRequest', {
  ownInfo: optional(bytes(1, { most: MAX_SIGNED_NODE_INFO_BYTES })),
  knownDigest: optional(bytes(2, { length: 32 })),
  knownPrefixes: optional(bytes(3, { most: MAX_PREFIXES * PREFIX_BYTES }))
})

export const getKnownPeersResponseMessage: WireMessage<GetKnownPeersResponse> = message('GetKnownPeersResponse', {
  ownInfo: optional(bytes(1, { most: MAX_SIGNED_NODE_INFO_BYTES })),
  knownInfos: repeated(bytes(2, { most: MAX_SIGNED_NODE_INFO_BYTES }), MAX_NODE_INFOS)
})

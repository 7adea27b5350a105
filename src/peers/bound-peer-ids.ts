import { CODE_P2P, type ProtocolCodec, registry } from '@multiformats/multiaddr'

/** Most bytes of a peer id in an address: those of Ed25519 keys have 38, no hash in use needs 70. */
const MAX_BYTES = 128
/** Most characters of one: 128 bytes in base 32 are 205. */
const MAX_CHARACTERS = 256

const bounded: unique symbol = Symbol('bounded')

/**
 * Bounds the peer ids in multiaddrs, for the whole process. Base 58 takes time by the square of its length, and the library converts whatever stands behind `/p2p/`:
 * the addresses of one identify message, which are read before any of our rules applies, would stop the event loop for seconds. Idempotent.
 */
export function boundPeerIds(): void {
  const codec: ProtocolCodec & { readonly [bounded]?: true } = registry.getProtocol(CODE_P2P)
  if (codec[bounded] === true) return
  const { bytesToValue, valueToBytes } = codec
  const replacement: ProtocolCodec & { readonly [bounded]: true } = {
    ...codec,
    [bounded]: true,
    ...(bytesToValue && { bytesToValue: (bytes) => bytesToValue(within(MAX_BYTES, bytes)) }),
    ...(valueToBytes && { valueToBytes: (value) => valueToBytes(within(MAX_CHARACTERS, value)) })
  }
  registry.addProtocol(replacement)
}

function within<T extends { readonly length: number }>(most: number, value: T): T {
  if (value.length > most) throw new RangeError(`a peer id of ${value.length} bytes or characters, over ${most}`)
  return value
}

import { toHex } from '../runtime/hex.ts'
import { bytes, message, uint32, uint64, type WireMessage } from '../runtime/wire-message.ts'
import { type Digest, digestOf } from './digest.ts'
import { DIGEST_LENGTH } from './limits.ts'

/** Names one block of one author. Two blocks by one author in one round (equivocation) differ in digest. */
export interface BlockRef {
  readonly epoch: number
  readonly round: number
  /** Index of the author in the epoch's committee. */
  readonly author: number
  readonly digest: Digest
}

export const blockRefMessage: WireMessage<BlockRef> = message('BlockRef', {
  epoch: uint64(1),
  round: uint32(2),
  author: uint32(3),
  digest: bytes(4, { length: DIGEST_LENGTH })
})

/** A block reference as the key of a `Map`. */
export function blockRefKey(ref: BlockRef): string {
  return `${ref.epoch}.${ref.round}.${ref.author}.${toHex(ref.digest)}`
}

/** Whether two references are of the same block. */
export function blockRefsEqual(a: BlockRef, b: BlockRef): boolean {
  return a.epoch === b.epoch && a.round === b.round && a.author === b.author && Buffer.compare(a.digest, b.digest) === 0
}

/** A short form for people: `B3@17(1f2e3d4c)`, author 3 in round 17. */
export function formatBlockRef(ref: BlockRef): string {
  return `B${ref.author}@${ref.round}(${toHex(ref.digest.subarray(0, 4))})`
}

/**
 * The genesis block of one author in one epoch: round 0. It exists as a reference only; its digest is taken over the chain
 * id, the epoch (8 bytes, big-endian) and the author's index (4 bytes, big-endian).
 */
export function genesisBlockRef(chainId: Digest, epoch: number, author: number): BlockRef {
  const position = Buffer.alloc(12)
  position.writeBigUInt64BE(BigInt(epoch), 0)
  position.writeUInt32BE(author, 8)
  return { epoch, round: 0, author, digest: digestOf('genesis-block', chainId, position) }
}

import type { Digest } from '../consensus/digest.ts'
import { DIGEST_LENGTH } from '../consensus/limits.ts'
import { SomaError } from '../runtime/soma-error.ts'

/**
 * A range of the chain as a file. All numbers are big-endian:
 *
 * ```
 * magic      8 bytes   "soma-p2p"
 * version    u8        1
 * chain id   32 bytes
 * start      u64       index of the first commit
 * end        u64       index of the last commit
 * range*               ranges of 1 to 100 commits of one epoch, in order, without a gap:
 *   commits+             the answer to FetchCommits for it
 *   blocks+              the answers to FetchBlocks for its blocks, in commit order, up to 1,000 blocks each
 * 00         u8        the end
 * checksum   32 bytes  SHA-256 of everything before
 *
 * commits    u8 1, length u32, a FetchCommitsResponse
 * blocks     u8 2, length u32, a FetchBlocksResponse
 * ```
 *
 * `docs/chain-file.md` has the rules for readers.
 */
export const CHAIN_FILE_VERSION = 1

const MAGIC: Uint8Array = new TextEncoder().encode('soma-p2p')

export const HEADER_BYTES: number = MAGIC.byteLength + 1 + DIGEST_LENGTH + 8 + 8
export const CHECKSUM_BYTES = 32
export const FRAME_HEAD_BYTES = 5
/** What follows the last range. */
export const FILE_END = 0
export const COMMITS_FRAME = 1
export const BLOCKS_FRAME = 2

/** Why a file is not taken. */
export type ChainFileErrorCode =
  | 'CHAIN_FILE_INVALID' // no such file, or one that nobody can have written: frames of no kind, too long, in no order
  | 'CHAIN_FILE_DAMAGED' // cut short, or not what was written
  | 'CHAIN_FILE_WRONG_VERSION'
  | 'CHAIN_FILE_WRONG_CHAIN'
  | 'CHAIN_FILE_GAP' // it begins above the commit that the store needs next
  | 'CHAIN_FILE_REFUSED' // what it holds is not what a quorum certified; the cause says more
  | 'CHAIN_FILE_COMMITTEE_AWAITED' // an epoch ends there without a proof of who comes next: the executing node has to insert the committee
  | 'CHAIN_FILE_EMPTY_RANGE' // there is nothing to export that others could verify

/** A failure of reading or writing a chain file. */
export class ChainFileError extends SomaError<ChainFileErrorCode> {}

export interface ChainFileHeader {
  readonly chainId: Digest
  readonly start: number
  readonly end: number
}

export function encodeHeader({ chainId, start, end }: ChainFileHeader): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.set(MAGIC)
  header[MAGIC.byteLength] = CHAIN_FILE_VERSION
  header.set(chainId, MAGIC.byteLength + 1)
  header.writeBigUInt64BE(BigInt(start), HEADER_BYTES - 16)
  header.writeBigUInt64BE(BigInt(end), HEADER_BYTES - 8)
  return header
}

/** @throws {ChainFileError} `CHAIN_FILE_INVALID`, `CHAIN_FILE_WRONG_VERSION` */
export function decodeHeader(bytes: Buffer): ChainFileHeader {
  if (!bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) {
    throw new ChainFileError('CHAIN_FILE_INVALID', 'this is no chain file of soma-p2p')
  }
  const version = bytes[MAGIC.byteLength]
  if (version !== CHAIN_FILE_VERSION) {
    const what = `a chain file of version ${version}, and this program reads version ${CHAIN_FILE_VERSION}`
    throw new ChainFileError('CHAIN_FILE_WRONG_VERSION', what)
  }
  const chainId = new Uint8Array(bytes.subarray(MAGIC.byteLength + 1, HEADER_BYTES - 16))
  const [start, end] = [bytes.readBigUInt64BE(HEADER_BYTES - 16), bytes.readBigUInt64BE(HEADER_BYTES - 8)].map(Number)
  if (start === undefined || end === undefined || start < 1 || end < start || !Number.isSafeInteger(end)) {
    throw new ChainFileError('CHAIN_FILE_INVALID', `a chain file of commits ${start} to ${end}`)
  }
  return { chainId, start, end }
}

/** The head of a frame: its kind and length. */
export function encodeFrameHead(kind: number, length: number): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head[0] = kind
  head.writeUInt32BE(length, 1)
  return head
}

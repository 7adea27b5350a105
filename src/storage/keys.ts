import type { BlockRef } from '../consensus/block-ref.ts'
import type { Digest } from '../consensus/digest.ts'
import { DIGEST_LENGTH } from '../consensus/limits.ts'

/**
 * The layout of the database. Integers are big-endian, so that keys sort as their numbers do. Behind every value are four bytes
 * more, its checksum (see `value-checksum.ts`):
 *
 * ```
 * 00                                            version u32, chain id 32      what the database is
 * 01                                            index u64, digest 32          the highest synced commit
 * 02                                            index u64                     the lowest available commit
 * 03                                            index u64, digest 32, epoch u64   the checkpoint that the chain begins at, if it does
 * 10 index u64                                  the encoded Commit
 * 11 digest 32                                  index u64                     of the commit with that digest
 * 12 epoch u64, round u32, author u32, digest   the signed block of a commit
 * 13 index u64                                  (epoch, round, author, digest)*   the certifiers of a commit
 * 14 epoch, round, author, digest, index u64    a certifier block of commit `index` that no commit held when it was stored
 * 20 epoch u64                                  the encoded ValidatorSet
 * 21 epoch u64                                  index u64                     of the epoch's last commit
 * 30 name                                       position u64                  of a cursor
 * 31 name                                       bytes                         of a record
 * ```
 *
 * Blocks are ordered by round, so that those of neighbouring commits lie together: a catch-up writes at the end of its key
 * space, and reading a range of commits reads one region of the disk.
 */
export const FORMAT_VERSION = 2

const FORMAT = 0x00
const TIP = 0x01
const LOWEST = 0x02
const BEGINNING = 0x03
const COMMIT = 0x10
const DIGEST_INDEX = 0x11
const BLOCK = 0x12
const CERTIFIERS = 0x13
const CERTIFIER_COPY = 0x14
const COMMITTEE = 0x20
const LAST_OF_EPOCH = 0x21
const CURSOR = 0x30
const RECORD = 0x31

/** Bytes of an encoded block reference: epoch, round, author, digest. */
const REF_LENGTH = 8 + 4 + 4 + DIGEST_LENGTH

export const formatKey: Uint8Array = Uint8Array.of(FORMAT)
export const tipKey: Uint8Array = Uint8Array.of(TIP)
export const lowestKey: Uint8Array = Uint8Array.of(LOWEST)
export const beginningKey: Uint8Array = Uint8Array.of(BEGINNING)

/** Keys from `gte` on and below `lt`. */
export interface KeyRange {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
}

export function commitKey(index: number): Uint8Array {
  return numberKey(COMMIT, index)
}

export function digestIndexKey(digest: Digest): Uint8Array {
  const key = Buffer.allocUnsafe(1 + DIGEST_LENGTH)
  key[0] = DIGEST_INDEX
  key.set(digest, 1)
  return key
}

export function blockKey(ref: BlockRef): Buffer {
  const key = Buffer.allocUnsafe(1 + REF_LENGTH)
  key[0] = BLOCK
  writeRef(key, 1, ref)
  return key
}

/** A block reference as the key of a `Map`, cut from its database key, which is at hand where this is asked. */
export function refText(key: Buffer): string {
  return key.toString('latin1', 1, 1 + REF_LENGTH)
}

export function certifiersKey(index: number): Uint8Array {
  return numberKey(CERTIFIERS, index)
}

export function certifierCopyKey(ref: BlockRef, index: number): Uint8Array {
  const key = Buffer.allocUnsafe(1 + REF_LENGTH + 8)
  key[0] = CERTIFIER_COPY
  writeRef(key, 1, ref)
  writeNumber(key, 1 + REF_LENGTH, index)
  return key
}

/** The copies of one certifier block, whichever commits they were stored for. */
export function certifierCopyRange(ref: BlockRef): KeyRange {
  return { gte: certifierCopyKey(ref, 0), lt: certifierCopyKey(ref, Number.MAX_SAFE_INTEGER) }
}

export function committeeKey(epoch: number): Uint8Array {
  return numberKey(COMMITTEE, epoch)
}

export function lastOfEpochKey(epoch: number): Uint8Array {
  return numberKey(LAST_OF_EPOCH, epoch)
}

export function cursorKey(name: string): Uint8Array {
  return nameKey(CURSOR, name)
}

export function recordKey(name: string): Uint8Array {
  return nameKey(RECORD, name)
}

/** The name in the key of a cursor or record. */
export function cursorName(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8', 1)
}

export const cursorRange: KeyRange = { gte: Uint8Array.of(CURSOR), lt: Uint8Array.of(CURSOR + 1) }

export const recordRange: KeyRange = { gte: Uint8Array.of(RECORD), lt: Uint8Array.of(RECORD + 1) }

/** The blocks that commits hold: of all epochs, of one, or of one round of it. */
export function blockRange(epoch?: number, round?: number): KeyRange {
  if (epoch === undefined) return { gte: Uint8Array.of(BLOCK), lt: Uint8Array.of(BLOCK + 1) }
  const ends = [...(numberKey(BLOCK, epoch) as Buffer)]
  if (round === undefined) return { gte: Uint8Array.from(ends), lt: numberKey(BLOCK, epoch + 1) }
  const rounds = Buffer.alloc(4)
  rounds.writeUInt32BE(round)
  const gte = Uint8Array.from([...ends, ...rounds])
  return { gte, lt: Buffer.concat([gte, new Uint8Array(4 + DIGEST_LENGTH + 1).fill(0xff)]) }
}

/** Commits from `start` to `end`, both included. */
export function commitRange(start: number, end: number): KeyRange {
  return { gte: commitKey(start), lt: numberKey(COMMIT, end + 1) }
}

/** Certifier lists of the commits from `start` to `end`, both included. */
export function certifiersRange(start: number, end: number): KeyRange {
  return { gte: certifiersKey(start), lt: numberKey(CERTIFIERS, end + 1) }
}

/** The number in the key of a commit or of a certifier list. */
export function keyNumber(key: Uint8Array): number {
  return readNumber(key, 1)
}

/** A number as a value. */
export function encodeNumber(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8)
  writeNumber(bytes, 0, value)
  return bytes
}

/** Block references one after the other, as a value. */
export function encodeRefs(refs: readonly BlockRef[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(refs.length * REF_LENGTH)
  for (const [i, ref] of refs.entries()) writeRef(bytes, i * REF_LENGTH, ref)
  return bytes
}

/** Reads what {@link encodeRefs} wrote, or gives `undefined` where the length is not a whole number of references. */
export function decodeRefs(bytes: Uint8Array): BlockRef[] | undefined {
  if (bytes.byteLength % REF_LENGTH !== 0) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: bytes.byteLength / REF_LENGTH }, (_, i) => {
    const at = i * REF_LENGTH
    return {
      epoch: readNumber(bytes, at),
      round: view.getUint32(at + 8),
      author: view.getUint32(at + 12),
      digest: bytes.subarray(at + 16, at + REF_LENGTH)
    }
  })
}

/** Reads a 64-bit number; above 2^53 - 1 it is not exact, and nothing that was written is. */
export function readNumber(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4)
}

function writeNumber(bytes: Buffer, at: number, value: number): void {
  bytes.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at)
  bytes.writeUInt32BE(value % 0x1_0000_0000, at + 4)
}

function writeRef(bytes: Buffer, at: number, ref: BlockRef): void {
  writeNumber(bytes, at, ref.epoch)
  bytes.writeUInt32BE(ref.round, at + 8)
  bytes.writeUInt32BE(ref.author, at + 12)
  bytes.set(ref.digest, at + 16)
}

function numberKey(space: number, value: number): Uint8Array {
  const key = Buffer.allocUnsafe(9)
  key[0] = space
  writeNumber(key, 1, value)
  return key
}

function nameKey(space: number, name: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(space), Buffer.from(name)])
}

import type { Commit } from '../consensus/commit.ts'
import { decodeCommit, type EncodedCommit } from '../consensus/commit.ts'
import type { CommitRef } from '../consensus/commit-ref.ts'
import { DIGEST_LENGTH } from '../consensus/limits.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { CertifierCopies, COPIES_WATCHED } from './certifier-copies.ts'
import type { Database } from './database.ts'
import {
  beginningKey,
  blockKey,
  certifierCopyKey,
  certifiersRange,
  commitKey,
  commitRange,
  decodeRefs,
  encodeNumber,
  keyNumber,
  lowestKey,
  readNumber,
  refText,
  tipKey
} from './keys.ts'
import { corrupted } from './level-error.ts'

/** Where the chain in a database stands. */
export interface ChainState {
  readonly tip: CommitRef
  /** Epoch of the tip; 0 at the genesis, and the one that the chain goes on in at a checkpoint. */
  readonly tipEpoch: number
  readonly lowestAvailable: number
  /** 0 when no commit has certifiers. */
  readonly highestCertifiable: number
}

/** The highest synced commit, as a value. */
export function encodeTip({ index, digest }: CommitRef): Uint8Array {
  return Buffer.concat([encodeNumber(index), digest])
}

/** Where a chain begins that does not begin at the genesis. */
export interface Beginning {
  readonly commit: CommitRef
  /** The epoch that the chain goes on in. */
  readonly epoch: number
}

/** The beginning, as a value. */
export function encodeBeginning({ commit, epoch }: Beginning): Uint8Array {
  return Buffer.concat([encodeTip(commit), encodeNumber(epoch)])
}

/** @throws {StorageError} `STORAGE_CORRUPTED` */
export async function readBeginning(database: Database): Promise<Beginning | undefined> {
  const bytes = await database.get(beginningKey)
  if (bytes === undefined) return undefined
  if (bytes.byteLength !== 8 + DIGEST_LENGTH + 8) throw corrupted(`the beginning of ${database.where} does not decode`)
  const commit = { index: readNumber(bytes, 0), digest: bytes.slice(8, -8) }
  return { commit, epoch: readNumber(bytes, 8 + DIGEST_LENGTH) }
}

/** @throws {StorageError} `STORAGE_CORRUPTED` */
export async function readState(database: Database): Promise<ChainState> {
  const [tipValue, lowestValue] = await database.getMany([tipKey, lowestKey])
  if (tipValue?.byteLength !== 8 + DIGEST_LENGTH || lowestValue?.byteLength !== 8) {
    throw corrupted(`${database.where} has no watermarks`)
  }
  const tip = { index: readNumber(tipValue, 0), digest: tipValue.slice(8) }
  const lowestAvailable = readNumber(lowestValue, 0)
  return {
    tip,
    tipEpoch: await epochOf(database, tip),
    lowestAvailable,
    highestCertifiable: (await highestCertifiableIn(database, lowestAvailable, tip.index)) ?? 0
  }
}

/**
 * Commits near the tip that are looked for when a database opens. LevelDB drops what it cannot read of its log, and takes what comes behind: a damaged log leaves a
 * hole. The log holds up to twice the write buffer of 32 MiB, and a commit with its block takes 256 bytes of it at least.
 */
const COMMITS_LOOKED_FOR = (2 * 32 * 1024 * 1024) / 256
const KEYS_AT_ONCE = 10_000

/** @throws {StorageError} `STORAGE_CORRUPTED` where a commit near the tip is missing */
export async function refuseHole(database: Database, { tip, lowestAvailable }: ChainState): Promise<void> {
  for (let next = Math.max(lowestAvailable, tip.index - COMMITS_LOOKED_FOR); next <= tip.index; ) {
    const keys = await database.keys({ ...commitRange(next, tip.index), limit: KEYS_AT_ONCE })
    const start = next
    const hole = keys.findIndex((key, at) => keyNumber(key) !== start + at)
    if (hole !== -1 || keys.length === 0) {
      throw corrupted(`commit ${start + Math.max(hole, 0)} is missing in ${database.where}`)
    }
    next += keys.length
  }
}

/** The highest commit from `start` to `end`, both included, that has certifiers. */
export async function highestCertifiableIn(
  database: Database,
  start: number,
  end: number
): Promise<number | undefined> {
  if (start > end) return undefined
  const [last] = await database.keys({ ...certifiersRange(start, end), limit: 1, reverse: true })
  return last && keyNumber(last)
}

/** Finds the copies of certifier blocks near the tip again. */
export async function readCopies(database: Database, { tip, lowestAvailable }: ChainState): Promise<CertifierCopies> {
  const copies = new CertifierCopies()
  for (let start = Math.max(lowestAvailable, tip.index - COPIES_WATCHED); start <= tip.index; ) {
    const page = await database.page({ ...certifiersRange(start, tip.index), limit: 100 })
    if (page.length === 0) break
    const listed = page.flatMap(([key, value]) =>
      storedRefs(value, keyNumber(key)).map((ref) => ({ ref, index: keyNumber(key) }))
    )
    const held = await database.hasMany(listed.map(({ ref, index }) => certifierCopyKey(ref, index)))
    const added = listed.filter((_, i) => held[i]).map(({ ref, index }) => ({ block: refText(blockKey(ref)), index }))
    copies.apply({ added, dropped: [] }, tip.index)
    start = keyNumber((page.at(-1) as [Uint8Array, Uint8Array])[0]) + 1
  }
  return copies
}

/** The stored commit of an index, read anew. @throws {StorageError} `STORAGE_CORRUPTED` */
export function storedCommit(bytes: Uint8Array, index: number): EncodedCommit {
  let decoded: EncodedCommit
  try {
    decoded = decodeCommit(bytes)
  } catch (cause) {
    throw corrupted(`commit ${index} does not decode`, { cause })
  }
  if (decoded.ref.index !== index) throw corrupted(`commit ${decoded.ref.index} stands in the place of commit ${index}`)
  return decoded
}

/** The stored list of certifiers of a commit. @throws {StorageError} `STORAGE_CORRUPTED` */
export function storedRefs(bytes: Uint8Array, index: number): Commit['blocks'] {
  const refs = decodeRefs(bytes)
  if (refs === undefined) throw corrupted(`the certifiers of commit ${index} do not decode`)
  return refs
}

async function epochOf(database: Database, tip: CommitRef): Promise<number> {
  if (tip.index === 0) return 0
  const beginning = await readBeginning(database)
  if (beginning?.commit.index === tip.index) return beginning.epoch
  const bytes = await database.get(commitKey(tip.index))
  if (bytes === undefined) throw corrupted(`commit ${tip.index}, the highest synced one, is missing`)
  const { commit, ref } = storedCommit(bytes, tip.index)
  if (!bytesEqual(ref.digest, tip.digest)) throw corrupted(`commit ${tip.index} is not the highest synced one`)
  return commit.epoch
}

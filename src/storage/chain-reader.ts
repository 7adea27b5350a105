import { type Block, blockMessage } from '../consensus/block.ts'
import { type BlockRef, formatBlockRef } from '../consensus/block-ref.ts'
import { type TrustedCommit, trustCommit } from '../consensus/commit.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import { blockPayload, trustBlock, type VerifiedBlock } from '../consensus/signed-block.ts'
import { storedCommit, storedRefs } from './chain-state.ts'
import type { Database } from './database.ts'
import {
  blockKey,
  certifierCopyKey,
  certifierCopyRange,
  certifiersKey,
  commitKey,
  commitRange,
  keyNumber
} from './keys.ts'
import { corrupted } from './level-error.ts'
import type { StorageError } from './storage-error.ts'

/** Most commits read at once while iterating. */
const PAGE_COMMITS = 64

/*
 * Reads of what must be there: whatever is missing or does not decode throws `STORAGE_CORRUPTED`. The store asks for
 * available commits only, and when one is pruned while it is read, it is the store that knows.
 */

/** The commit of an index. */
export async function readCommit(database: Database, index: number): Promise<TrustedCommit> {
  const bytes = await database.get(commitKey(index))
  if (bytes === undefined) throw missingCommit(index)
  return trustCommit(storedCommit(bytes, index))
}

/**
 * Some commits from `start` on, in order: as many as a page of the database holds, at least one, none after `end`.
 *
 * Pages rather than one iterator: an iterator held open by a slow reader would keep the database from freeing what it has compacted.
 */
export async function readCommitPage(database: Database, start: number, end: number): Promise<TrustedCommit[]> {
  const page = await database.page({ ...commitRange(start, end), limit: PAGE_COMMITS })
  const commits: TrustedCommit[] = []
  for (const [key, bytes] of page) {
    const index = start + commits.length
    if (keyNumber(key) !== index) throw missingCommit(index)
    commits.push(trustCommit(storedCommit(bytes, index)))
  }
  if (page.length === 0) throw missingCommit(start)
  return commits
}

/** A commit with all its blocks, whose digests are taken from the commit: they were checked before the write. */
export async function readSubDag(database: Database, index: number): Promise<CommittedSubDag> {
  const commit = await readCommit(database, index)
  const refs = commit.commit.blocks
  const stored = await database.getMany(refs.map(blockKey))
  return { commit, blocks: refs.map((ref, i) => storedBlock(ref, stored[i], index)) }
}

/** The bytes of blocks: those that commits hold, else those stored as certifiers. */
export async function readBlocks(database: Database, refs: readonly BlockRef[]): Promise<(Uint8Array | undefined)[]> {
  const blocks = await database.getMany(refs.map(blockKey))
  const missing = [...blocks.keys()].filter((i) => blocks[i] === undefined)
  for (const i of missing) blocks[i] = await readCopy(database, refs[i] as BlockRef)
  return blocks
}

/** The bytes of a commit's certifier blocks; empty where it has none. */
export async function readCertifiers(database: Database, index: number): Promise<Uint8Array[]> {
  const list = await database.get(certifiersKey(index))
  if (list === undefined) return []
  const refs = storedRefs(list, index)
  // Copies first: a write under way turns copies into blocks of commits, never the other way, so that none is missed between the two.
  const copies = await database.getMany(refs.map((ref) => certifierCopyKey(ref, index)))
  const rest = refs.filter((_, i) => copies[i] === undefined)
  const held = await database.getMany(rest.map(blockKey))
  return refs.map((ref, i) => {
    const bytes = copies[i] ?? held.shift()
    if (bytes === undefined) throw corrupted(`certifier ${formatBlockRef(ref)} of commit ${index} is missing`)
    return bytes
  })
}

async function readCopy(database: Database, ref: BlockRef): Promise<Uint8Array | undefined> {
  const [copy] = await database.page({ ...certifierCopyRange(ref), limit: 1 })
  if (copy !== undefined) return copy[1]
  const [held] = await database.getMany([blockKey(ref)]) // a commit may have taken it between the two reads
  return held
}

function storedBlock(ref: BlockRef, bytes: Uint8Array | undefined, index: number): VerifiedBlock {
  if (bytes === undefined) throw corrupted(`block ${formatBlockRef(ref)} of commit ${index} is missing`)
  let block: Block
  try {
    block = blockMessage.decode(blockPayload(bytes))
  } catch (cause) {
    throw corrupted(`block ${formatBlockRef(ref)} of commit ${index} does not decode`, { cause })
  }
  if (block.epoch !== ref.epoch || block.round !== ref.round || block.author !== ref.author) {
    throw corrupted(`another block stands in the place of ${formatBlockRef(ref)} of commit ${index}`)
  }
  return trustBlock({ ref, block, bytes })
}

function missingCommit(index: number): StorageError {
  return corrupted(`commit ${index} is missing`)
}

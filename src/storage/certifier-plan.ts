import { type BlockRef, formatBlockRef } from '../consensus/block-ref.ts'
import type { ChainState } from './chain-state.ts'
import type { CertifierWrite } from './commit-store.ts'
import type { Database, Operation } from './database.ts'
import { blockKey, certifierCopyKey, certifiersKey, encodeRefs, refText } from './keys.ts'
import { StorageError } from './storage-error.ts'

/** What the certifiers of a write are planned against. */
export interface CertifierContext {
  readonly database: Database
  /** The chain before the write. */
  readonly before: ChainState
  /** The chain after it. */
  readonly after: ChainState
  /** Which of the certifiers the commits of the write hold. */
  readonly committed: ReadonlySet<string>
}

/** What storing certifiers comes to. */
export interface CertifierPlan {
  readonly operations: readonly Operation[]
  /** Blocks to be stored for the commit that they certify, for no commit holds them. */
  readonly copies: readonly { readonly block: string; readonly index: number }[]
  readonly highestCertifiable: number
}

interface Candidate {
  readonly index: number
  readonly ref: BlockRef
  readonly bytes: Uint8Array | undefined
  readonly key: Uint8Array
  readonly text: string
}

/** The certifiers of a write by the text of their references. */
export function certifierTexts(certifiers: readonly CertifierWrite[]): ReadonlySet<string> {
  return new Set(certifiers.flatMap(({ blocks }) => blocks.map((block) => refText(blockKey(block.ref)))))
}

/**
 * Lays out the certifiers of a write: a list of references for each commit, and copies of the blocks that no commit holds.
 *
 * @throws {StorageError} `STORAGE_INVALID_ARGUMENT`
 */
export async function planCertifiers(
  context: CertifierContext,
  certifiers: readonly CertifierWrite[]
): Promise<CertifierPlan> {
  const fresh = await newCertifiers(context, certifiers)
  const operations: Operation[] = fresh.map(({ index, blocks }) => ({
    type: 'put',
    key: certifiersKey(index),
    value: encodeRefs(blocks.map((block) => block.ref))
  }))
  const copies: { block: string; index: number }[] = []
  for (const { index, ref, bytes, text } of await heldByNone(context, fresh)) {
    if (bytes === undefined) {
      throw invalid(`certifier ${formatBlockRef(ref)} of commit ${index} has no bytes, and no commit holds it`)
    }
    operations.push({ type: 'put', key: certifierCopyKey(ref, index), value: bytes })
    copies.push({ block: text, index })
  }
  const highest = fresh.reduce((most, { index }) => Math.max(most, index), context.before.highestCertifiable)
  return { operations, copies, highestCertifiable: highest }
}

/** The certifiers to store: not those of commits pruned meanwhile, nor of commits that have theirs already. */
async function newCertifiers(
  { database, before, after }: CertifierContext,
  certifiers: readonly CertifierWrite[]
): Promise<CertifierWrite[]> {
  const fresh = new Map<number, CertifierWrite>()
  for (const certifier of certifiers) {
    const { index, blocks } = certifier
    if (!Number.isSafeInteger(index) || index < 1 || index > after.tip.index) {
      throw invalid(`certifiers of commit ${index}, which is not there: the tip is ${after.tip.index}`)
    }
    if (blocks.length === 0) throw invalid(`commit ${index} comes with an empty list of certifiers`)
    if (index >= before.lowestAvailable && !fresh.has(index)) fresh.set(index, certifier)
  }
  const earlier = [...fresh.keys()].filter((index) => index <= before.highestCertifiable)
  const known = await database.hasMany(earlier.map(certifiersKey))
  for (const [i, index] of earlier.entries()) if (known[i]) fresh.delete(index)
  return [...fresh.values()]
}

/** The certifier blocks that no commit of this write or of earlier ones holds. */
async function heldByNone(context: CertifierContext, certifiers: readonly CertifierWrite[]): Promise<Candidate[]> {
  const { database, before, committed } = context
  const candidates = certifiers
    .flatMap(({ index, blocks }) => blocks.map((block) => candidate(index, block)))
    .filter(({ text }) => !committed.has(text))
  // A vote for the tip cannot lie in a stored commit: the digests of all of them are under the tip's own.
  const doubtful = candidates.filter(({ index, bytes }) => index < before.tip.index || bytes === undefined)
  const stored = await database.hasMany(doubtful.map(({ key }) => key))
  const held = new Set(doubtful.filter((_, i) => stored[i]))
  return candidates.filter((one) => !held.has(one))
}

function candidate(index: number, { ref, bytes }: CertifierWrite['blocks'][number]): Candidate {
  const key = blockKey(ref)
  return { index, ref, bytes, key, text: refText(key) }
}

function invalid(why: string): StorageError {
  return new StorageError('STORAGE_INVALID_ARGUMENT', why)
}

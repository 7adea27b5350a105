import { type BlockRef, blockRefsEqual, formatBlockRef } from '../consensus/block-ref.ts'
import type { CommittedSubDag } from '../consensus/committed-sub-dag.ts'
import type { Committee } from '../consensus/committee.ts'
import type { Genesis } from '../consensus/genesis.ts'
import { bytesEqual } from '../runtime/hex.ts'
import type { CertifierCopies, CopyChanges } from './certifier-copies.ts'
import { certifierTexts, planCertifiers } from './certifier-plan.ts'
import { type ChainState, encodeTip } from './chain-state.ts'
import type { StoreWrite } from './commit-store.ts'
import type { Database, Operation } from './database.ts'
import {
  blockKey,
  certifierCopyKey,
  commitKey,
  committeeKey,
  digestIndexKey,
  encodeNumber,
  lastOfEpochKey,
  refText,
  tipKey
} from './keys.ts'
import { StorageError } from './storage-error.ts'

/** What a write does to the database, and where the chain stands after it. */
export interface WritePlan {
  readonly operations: Operation[]
  readonly state: ChainState
  readonly copies: CopyChanges
}

/** What a write is planned against. */
export interface PlanContext {
  readonly database: Database
  readonly genesis: Genesis
  readonly state: ChainState
  readonly copies: CertifierCopies
}

/**
 * Checks a write against what is stored and lays out its operations. Nothing is changed.
 *
 * @throws {StorageError} `STORAGE_NOT_CONSECUTIVE`, `STORAGE_INVALID_ARGUMENT`
 */
export async function planWrite(context: PlanContext, write: StoreWrite): Promise<WritePlan> {
  const { commits, certifiers = [], committees = [] } = write
  const operations: Operation[] = []
  const dropped: string[] = []

  const wanted = certifierTexts(certifiers)
  const committed = new Set<string>()
  let state = context.state
  for (const subDag of commits) {
    state = planCommit(operations, state, subDag)
    for (const block of subDag.blocks) {
      const key = blockKey(block.ref)
      operations.push({ type: 'put', key, value: block.bytes })
      const text = refText(key)
      if (wanted.has(text)) committed.add(text)
      const copied = context.copies.of(text)
      if (copied.length === 0) continue
      dropped.push(text)
      for (const index of copied) operations.push({ type: 'del', key: certifierCopyKey(block.ref, index) })
    }
  }
  if (commits.length > 0) operations.push({ type: 'put', key: tipKey, value: encodeTip(state.tip) })

  const { database, state: before } = context
  const certified = await planCertifiers({ database, before, after: state, committed }, certifiers)
  operations.push(...certified.operations)
  state = { ...state, highestCertifiable: certified.highestCertifiable }

  await planCommittees(operations, context, committees)
  const next = committees.find((committee) => committee.epoch === state.tipEpoch + 1)
  if (next !== undefined && commits.length > 0) putLastOfEpoch(operations, state)
  return { operations, state, copies: { added: certified.copies, dropped } }
}

/** The chain after one more commit. */
function planCommit(operations: Operation[], state: ChainState, subDag: CommittedSubDag): ChainState {
  const { ref, commit, bytes } = subDag.commit
  const { tip } = state
  if (ref.index !== tip.index + 1) {
    throw new StorageError('STORAGE_NOT_CONSECUTIVE', `commit ${ref.index} after commit ${tip.index}`)
  }
  if (!bytesEqual(commit.previousDigest, tip.digest)) {
    throw new StorageError('STORAGE_NOT_CONSECUTIVE', `commit ${ref.index} links to another commit ${tip.index}`)
  }
  if (subDag.blocks.length !== commit.blocks.length) {
    throw invalid(`commit ${ref.index} comes with ${subDag.blocks.length} blocks, not ${commit.blocks.length}`)
  }
  for (const [i, block] of subDag.blocks.entries()) {
    if (!blockRefsEqual(block.ref, commit.blocks[i] as BlockRef)) {
      throw invalid(`block ${i} of commit ${ref.index} is ${formatBlockRef(block.ref)}, which it does not name there`)
    }
  }
  if (commit.epoch === state.tipEpoch + 1) putLastOfEpoch(operations, state)
  operations.push({ type: 'put', key: commitKey(ref.index), value: bytes })
  operations.push({ type: 'put', key: digestIndexKey(ref.digest), value: encodeNumber(ref.index) })
  return { ...state, tip: ref, tipEpoch: commit.epoch }
}

/** @throws {StorageError} `STORAGE_INVALID_ARGUMENT` for another committee of an epoch whose committee is known */
export async function planCommittees(
  operations: Operation[],
  { database, genesis }: PlanContext,
  committees: readonly Committee[]
): Promise<void> {
  const stored = await database.getMany(committees.map((committee) => committeeKey(committee.epoch)))
  for (const [i, { epoch, bytes }] of committees.entries()) {
    const known = epoch === 0 ? genesis.committee.bytes : stored[i]
    if (known === undefined) operations.push({ type: 'put', key: committeeKey(epoch), value: bytes })
    else if (!bytesEqual(known, bytes)) throw invalid(`another committee of epoch ${epoch} than the one stored`)
  }
}

function putLastOfEpoch(operations: Operation[], { tip, tipEpoch }: ChainState): void {
  operations.push({ type: 'put', key: lastOfEpochKey(tipEpoch), value: encodeNumber(tip.index) })
}

function invalid(why: string): StorageError {
  return new StorageError('STORAGE_INVALID_ARGUMENT', why)
}

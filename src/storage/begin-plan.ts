import { commitRefsEqual } from '../consensus/commit-ref.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import { type ChainState, encodeBeginning, encodeTip, readBeginning } from './chain-state.ts'
import type { Operation } from './database.ts'
import { beginningKey, encodeNumber, lowestKey, tipKey } from './keys.ts'
import { StorageError } from './storage-error.ts'
import { type PlanContext, planCommittees } from './write-plan.ts'

/**
 * Checks whether a store may begin at a checkpoint and lays out what that takes. Nothing is changed.
 *
 * @returns the operations, none where it has begun there already, and where the chain stands after them
 * @throws {StorageError} `STORAGE_INVALID_ARGUMENT`
 */
export async function planBeginning(
  context: PlanContext,
  { commit, committee }: TrustedCheckpoint
): Promise<{ operations: Operation[]; state: ChainState }> {
  const { database, state } = context
  const { index } = commit
  if (!Number.isSafeInteger(index + 1) || index < 1) throw invalid(`no chain begins at commit ${index}`)
  const operations: Operation[] = []
  await planCommittees(operations, context, [committee])
  const beginning = await readBeginning(database)
  const isThere = beginning?.epoch === committee.epoch && commitRefsEqual(state.tip, commit)
  if (isThere && commitRefsEqual(beginning.commit, commit)) return { operations, state }
  if (state.tip.index > 0) throw invalid(`a store that has come to commit ${state.tip.index} cannot begin at ${index}`)
  operations.push(
    { type: 'put', key: beginningKey, value: encodeBeginning({ commit, epoch: committee.epoch }) },
    { type: 'put', key: tipKey, value: encodeTip(commit) },
    { type: 'put', key: lowestKey, value: encodeNumber(index + 1) }
  )
  return {
    operations,
    state: { tip: commit, tipEpoch: committee.epoch, lowestAvailable: index + 1, highestCertifiable: 0 }
  }
}

function invalid(why: string): StorageError {
  return new StorageError('STORAGE_INVALID_ARGUMENT', why)
}

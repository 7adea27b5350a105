import type { Digest } from '../consensus/digest.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import { bytesEqual } from '../runtime/hex.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { epochAfter } from '../storage/epoch-after.ts'
import { SyncError } from './sync-error.ts'

/** Where an empty store begins when a checkpoint is configured. */
export type CheckpointStart = 'checkpoint' | 'genesis'

/**
 * Makes a store ready for a chain that leads through a trusted checkpoint: an empty one begins there, one that holds something is compared with it. To be called
 * before anything reads the store.
 *
 * @throws {SyncError} `SYNC_CHECKPOINT_CONFLICT` when the store holds another chain than the checkpoint's
 * @throws {StorageError} when the store cannot be read or written
 */
export async function applyCheckpoint(
  store: CommitStore,
  checkpoint: TrustedCheckpoint,
  start: CheckpointStart = 'checkpoint'
): Promise<void> {
  const conflict = await findConflict(store, checkpoint)
  if (conflict !== undefined) {
    const { index } = checkpoint.commit
    const what = `${conflict}, and the trusted checkpoint at commit ${index} says otherwise`
    const remedy =
      'if the checkpoint is right, begin with another, empty store; else take the checkpoint out, or get the right one'
    throw new SyncError('SYNC_CHECKPOINT_CONFLICT', `${what}: ${remedy}`)
  }
  if (start === 'checkpoint' && store.watermarks.highestSynced.index === 0) await store.beginAt(checkpoint)
}

async function findConflict(store: CommitStore, { commit, committee }: TrustedCheckpoint): Promise<string | undefined> {
  const { epoch } = committee
  const known = await store.getCommittee(epoch)
  if (known !== undefined && !bytesEqual(known.digest, committee.digest)) {
    return `the store knows another committee of epoch ${epoch}`
  }
  const digest = await digestAt(store, commit.index)
  if (digest !== undefined && !bytesEqual(digest, commit.digest))
    return `the store holds another commit ${commit.index}`
  const tip = store.watermarks.highestSynced.index
  const current = (await epochAfter(store, tip)) ?? 0
  // at the very checkpoint, the next committee may still have to be inserted
  if (tip < commit.index ? current > epoch : current < epoch && tip > commit.index) {
    return `the store has come to commit ${tip} and epoch ${current}`
  }
  const after = tip > commit.index ? await epochAfter(store, commit.index) : undefined
  if (after !== undefined && after !== epoch) return `in the store the chain goes on in epoch ${after} there`
  return undefined
}

/** The digest of a commit, as far as the store tells: it is in the commit after it as well. */
async function digestAt(store: CommitStore, index: number): Promise<Digest | undefined> {
  const { highestSynced } = store.watermarks
  if (index === highestSynced.index) return highestSynced.digest
  const own = (await store.getCommit(index))?.ref.digest
  return own ?? (await store.getCommit(index + 1))?.commit.previousDigest
}

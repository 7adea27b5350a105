import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import type { CommitStore } from './commit-store.ts'

/**
 * The epoch that the chain goes on in after a commit, as far as the store tells.
 *
 * @returns `undefined` where the commit is not there
 */
export async function epochAfter(store: CommitStore, index: number): Promise<number | undefined> {
  if (index === 0) return 0
  const epoch = (await store.getCommit(index))?.commit.epoch ?? (await epochOfBeginning(store, index))
  if (epoch === undefined) return undefined
  const last = await store.getLastCommitOfEpoch(epoch)
  if (last !== undefined) return index === last ? epoch + 1 : epoch
  if (index < store.watermarks.highestSynced.index) return epoch
  // a committee is stored with the last commit of the epoch before it, or inserted after that
  return (await store.getCommittee(epoch + 1)) === undefined ? epoch : epoch + 1
}

/** The checkpoint of a commit: of one that is stored, or that the store began at. `undefined` where the store knows neither, and for the genesis. */
export async function checkpointAt(store: CommitStore, index: number): Promise<TrustedCheckpoint | undefined> {
  const epoch = index === 0 ? undefined : await epochAfter(store, index)
  const committee = epoch === undefined ? undefined : await store.getCommittee(epoch)
  if (committee === undefined) return undefined
  const commit = (await store.getCommit(index))?.ref ?? (await store.getBeginning())?.commit
  return commit?.index === index ? { commit, committee } : undefined
}

async function epochOfBeginning(store: CommitStore, index: number): Promise<number | undefined> {
  const beginning = await store.getBeginning()
  return beginning?.commit.index === index ? beginning.committee.epoch : undefined
}

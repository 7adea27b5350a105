import { decodeSignedBlock } from '../consensus/signed-block.ts'
import type { CommitStore, StoreWrite } from '../storage/commit-store.ts'
import type { ScriptedCommit } from './scripted-consensus.ts'

/** Commits of one write: what a sync fetches in one range. */
const BATCH = 100

/**
 * What a store takes for commits from consensus: each with its certifiers, so that every height is certifiable, and with the
 * last commit of an epoch the committee that comes next.
 */
export function storeWriteOf(commits: readonly ScriptedCommit[]): StoreWrite {
  return {
    commits: commits.map((commit) => commit.subDag),
    certifiers: commits.map(({ subDag, certifiers }) => ({
      index: subDag.commit.ref.index,
      blocks: certifiers.map((bytes) => ({ ref: decodeSignedBlock(bytes).ref, bytes }))
    })),
    committees: commits.flatMap(({ nextCommittee }) => nextCommittee ?? [])
  }
}

/**
 * Writes commits into a store, as a node would that had them all: the first must follow what is there.
 *
 * @throws {StorageError} as `CommitStore.write` does
 */
export async function writeChain(store: Pick<CommitStore, 'write'>, commits: readonly ScriptedCommit[]): Promise<void> {
  for (let start = 0; start < commits.length; start += BATCH) {
    await store.write(storeWriteOf(commits.slice(start, start + BATCH)))
  }
}

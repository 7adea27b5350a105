import type { CommittedSubDag } from '../../consensus/committed-sub-dag.ts'
import type { CertifiedSubDag } from '../certified-sub-dag.ts'
import type { CompleteCommit } from '../range.ts'

/** A run of consecutive commits on its way through the tail. */
export interface Run<T> {
  readonly commits: readonly T[]
  /** To be given back to the sync's budget once it is stored. */
  readonly budgetBytes: number
}

export interface AssembleStageInit {
  /**
   * Puts a commit and its blocks together.
   *
   * @throws {SyncError} `SYNC_CERTIFIED_DATA_REFUSED` when what a quorum certified breaks a rule all the same
   */
  readonly assemble: (complete: CompleteCommit) => CommittedSubDag
}

/** Stage 5, the first of the ordered tail: puts commits and their blocks together. */
export function assemble(init: AssembleStageInit) {
  return async function* (runs: AsyncIterable<Run<CompleteCommit>>): AsyncGenerator<Run<CertifiedSubDag>> {
    for await (const run of runs) {
      const commits = run.commits.map((complete) => ({
        subDag: init.assemble(complete),
        certifiers: complete.certifiers,
        origin: complete.origin
      }))
      yield { commits, budgetBytes: run.budgetBytes }
    }
  }
}

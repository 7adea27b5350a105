import type { CertifiedSubDag } from '../certified-sub-dag.ts'
import type { Run } from './assemble.ts'

export interface StoreStageInit {
  /** Stores commits, and tries again for as long as the store refuses: nothing may be skipped. */
  readonly append: (commits: readonly CertifiedSubDag[]) => Promise<void>
  readonly release: (bytes: number) => void
}

/** Stage 6, the last: stores runs of commits, each in one atomic write, and gives their bytes back to the budget. */
export function store(init: StoreStageInit) {
  return async (runs: AsyncIterable<Run<CertifiedSubDag>>): Promise<void> => {
    for await (const run of runs) {
      await init.append(run.commits)
      init.release(run.budgetBytes)
    }
  }
}

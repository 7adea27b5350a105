import parallel from 'it-parallel'
import type { SignedBlock, VerifiedBlock } from '../../consensus/signed-block.ts'
import type { FetchedBlocks, VerifiedBlocks } from '../work.ts'

export interface VerifyBlocksStageInit {
  /**
   * Verifies certified blocks.
   *
   * @throws {SyncError} `SYNC_CERTIFIED_DATA_REFUSED`
   */
  readonly verify: (blocks: readonly SignedBlock[]) => Promise<VerifiedBlock[]>
  /** Batches verified while the next one is fetched. */
  readonly ahead: number
}

/**
 * Stage 4: verifies blocks on every core, while the network brings the next ones. Order is kept, and what came before a failure is passed on before
 * the failure is thrown.
 */
export function verifyBlocks(init: VerifyBlocksStageInit) {
  return (items: AsyncIterable<FetchedBlocks>): AsyncGenerator<VerifiedBlocks> => {
    const jobs = async function* (): AsyncGenerator<() => Promise<VerifiedBlocks>> {
      try {
        for await (const item of items) {
          if (item.kind === 'certified') yield async () => item
          else yield async () => ({ kind: 'blocks', blocks: await init.verify(item.blocks) })
        }
      } catch (thrown) {
        yield () => Promise.reject(thrown) // a job like the others waits for its turn; a failing source would overtake them
      }
    }
    return parallel(jobs(), { ordered: true, concurrency: init.ahead + 1 })
  }
}

import type { CertifiedCommits } from '../range.ts'
import type { CertifiedRange, FetchedCommits, RangeRequest } from '../work.ts'

export interface VerifyCommitsStageInit {
  /**
   * Verifies the chain and the certification of what was fetched (promise 3 of the design). When only a first part of it is certified, gives that part,
   * and the error that the rest deserves.
   *
   * @throws {VerifyError} when nothing of it is certified
   */
  readonly certify: (fetched: FetchedCommits) => Promise<{ certified: CertifiedCommits; error: Error | undefined }>
}

/** Stage 2: lets pass only commits that a quorum certified. The good, certified prefix of a failed range goes on before the failure is thrown. */
export function verifyCommits(init: VerifyCommitsStageInit) {
  return async function* (items: AsyncIterable<FetchedCommits | RangeRequest>): AsyncGenerator<CertifiedRange> {
    for await (const item of items) {
      if (!('request' in item)) {
        if (item.certified !== undefined) yield { request: item, certified: item.certified }
        continue
      }
      const { certified, error } = await init.certify(item)
      yield { request: item.request, certified }
      if (error !== undefined) throw error
    }
  }
}

import { decodeCommit, type EncodedCommit } from '../../consensus/commit.ts'
import { decodeSignedBlock, type SignedBlock } from '../../consensus/signed-block.ts'
import { VerifyError } from '../../verify/verify-error.ts'
import type { FetchCommitsResponse } from '../messages.ts'
import type { FetchedCommits, RangeRequest } from '../work.ts'

export interface FetchCommitsStageInit {
  /** Asks the peer; response messages as they come. */
  readonly fetch: (request: RangeRequest) => AsyncIterable<FetchCommitsResponse>
  /** Most certifier blocks of an honest answer at this moment: one of each validator. */
  readonly maxCertifiers: (claimedEpoch: number) => number | Promise<number>
}

/**
 * Stage 1: fetches the commits of a range, with the certifier blocks of the last one.
 *
 * @throws {VerifyError} `COMMITS_TOO_MANY`, `CERTIFIERS_TOO_MANY` as soon as an answer exceeds its request
 * @throws {ConsensusError} for a commit or block that does not decode
 */
export function fetchCommits(init: FetchCommitsStageInit) {
  return async function* (requests: AsyncIterable<RangeRequest>): AsyncGenerator<FetchedCommits | RangeRequest> {
    for await (const request of requests) {
      if (request.certified !== undefined) yield request
      else yield await fetchOne(init, request)
    }
  }
}

async function fetchOne(init: FetchCommitsStageInit, request: RangeRequest): Promise<FetchedCommits> {
  const wanted = request.end - request.start + 1
  const commits: EncodedCommit[] = []
  const certifiers: SignedBlock[] = []
  for await (const frame of init.fetch(request)) {
    if (commits.length + frame.commits.length > wanted) {
      throw new VerifyError('COMMITS_TOO_MANY', `more than the ${wanted} commits asked for`)
    }
    const decoded = frame.commits.map(decodeCommit)
    const most = await init.maxCertifiers((commits[0] ?? decoded[0])?.commit.epoch ?? 0)
    if (certifiers.length + frame.certifierBlocks.length > most) {
      throw new VerifyError('CERTIFIERS_TOO_MANY', `more certifier blocks than the ${most} validators`)
    }
    await request.hold(sumBytes(frame.commits) + sumBytes(frame.certifierBlocks))
    commits.push(...decoded)
    for (const bytes of frame.certifierBlocks) certifiers.push(decodeSignedBlock(bytes))
  }
  return { request, commits, certifiers }
}

/** Bytes of several byte strings together. */
export function sumBytes(items: readonly Uint8Array[]): number {
  return items.reduce((sum, item) => sum + item.byteLength, 0)
}

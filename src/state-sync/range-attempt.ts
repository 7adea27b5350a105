import type { PeerId } from '@libp2p/interface'
import { anySignal } from 'any-signal'
import { pipe } from 'it-pipe'
import { blockRefsEqual } from '../consensus/block-ref.ts'
import type { CommitRef } from '../consensus/commit-ref.ts'
import type { SignedBlock, VerifiedBlock } from '../consensus/signed-block.ts'
import type { Rpc } from '../rpc/rpc.ts'
import type { ByteBudget } from '../runtime/byte-budget.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { toError } from '../runtime/soma-error.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'
import { VerifyError } from '../verify/verify-error.ts'
import type { VerifyWork } from '../verify/verify-work.ts'
import { certifyRange } from './certify-range.ts'
import type { CheckpointGuard } from './checkpoint-guard.ts'
import type { EpochGate } from './epoch-gate.ts'
import type { FetchBlocksResponse, FetchCommitsResponse } from './messages.ts'
import type { Pace } from './pace.ts'
import * as protocols from './protocols.ts'
import type { CertifiedCommits, Range } from './range.ts'
import type { StageTallies } from './stage-tallies.ts'
import { fetchBlocks } from './stages/fetch-blocks.ts'
import { fetchCommits, sumBytes } from './stages/fetch-commits.ts'
import { verifyBlocks } from './stages/verify-blocks.ts'
import { verifyCommits } from './stages/verify-commits.ts'
import { SyncError } from './sync-error.ts'
import type { FetchedCommits, RangeRequest } from './work.ts'

/** Batches of one attempt that are verified while the next is fetched. */
const BATCHES_AHEAD = 2

export interface RangeAttemptInit {
  readonly rpc: Pick<Rpc, 'stream'>
  readonly store: CommitStore
  readonly blockVerifier: BlockVerifier
  readonly epochs: EpochGate
  readonly guard: CheckpointGuard
  readonly budget: ByteBudget
  readonly stages: StageTallies
  /** Called after the commits of an answer were verified. @default nobody listens */
  readonly onVerified?: ((work: VerifyWork) => void) | undefined
  /** Whether everything else waits for this range. */
  readonly isLowest: (range: Range) => boolean
  /** The range has come on: bytes arrived, commits were certified or blocks verified. */
  readonly onProgress: () => void
}

/** With whom a range is attempted, and how. */
export interface AttemptOptions {
  readonly peer: PeerId
  /** The last commit that is asked for: never beyond what the peer claims to have. */
  readonly end: number
  readonly pace: Pace
  readonly signal: AbortSignal
  /** Called when commits were served and certified. */
  readonly onServed: (served: { readonly commits: number; readonly epoch: number }) => void
}

/**
 * One attempt at a range with one peer: fetchCommits, verifyCommits, fetchBlocks, verifyBlocks. What is certified and verified goes into the range as
 * it comes, so that a failure loses only what was under way. Two attempts at one range share what each brings.
 *
 * @throws what failed: an error of rpc, of verification, or the signal's reason
 */
export async function attemptRange(
  init: RangeAttemptInit,
  range: Range,
  { peer, end, pace, signal: stopped, onServed }: AttemptOptions
): Promise<void> {
  const { rpc, epochs, budget, stages, onProgress } = init
  let held = 0 // of the budget, for what is under way; what is kept is the range's
  const keep = (bytes: number) => {
    range.hold(bytes)
    held -= bytes
  }
  const ended = new AbortController() // a failure at the end of the pipe leaves nothing under way at its beginning
  const signal = anySignal([stopped, ended.signal])
  const waitedMs = () => pace.waitedMs
  const options = { signal, onBytes: (bytes: number) => pace.arrived(bytes) }
  const request: RangeRequest = {
    peer,
    start: range.start,
    end,
    certified: upTo(end, range.remaining),
    hasBlock: (ref) => range.hasBlock(ref),
    async hold(bytes) {
      await budget.acquire(bytes, { signal, isUrgent: () => init.isLowest(range) })
      if (signal.aborted) {
        budget.release(bytes) // let in as the attempt ended, which has settled what it held
        throw toError(signal.reason)
      }
      held += bytes
      onProgress()
    }
  }
  const settle = (blocks: readonly VerifiedBlock[]) => {
    const kept = range.addBlocks(blocks)
    const spare = sumBytes(blocks.map((block) => block.bytes)) - kept // another has brought it
    keep(kept)
    held -= spare
    budget.release(spare)
  }
  const results = pipe(
    single(request),
    fetchCommits({
      maxCertifiers: (epoch) => epochs.maxCertifiers(range.start, epoch),
      fetch({ start, end }) {
        const answer = pace.watch(rpc.stream(peer, protocols.fetchCommits, { start, end }, options))
        const countOf = (frame: FetchCommitsResponse) => frame.commits.length
        return stages.fetchCommits.receive(answer, { wanted: end - start + 1, countOf, waitedMs, signal })
      }
    }),
    verifyCommits({
      async certify(fetched) {
        const { certified, error } = await certify(init, fetched, signal)
        onServed({ commits: certified.commits.length, epoch: fetched.commits[0]?.commit.epoch ?? 0 })
        keep(range.certify(certified))
        return { certified: upTo(end, range.remaining) ?? certified, error } // what came first holds
      }
    }),
    fetchBlocks({
      fetch(_, refs) {
        const answer = pace.watch(rpc.stream(peer, protocols.fetchBlocks, { refs }, options))
        const countOf = (frame: FetchBlocksResponse) => frame.blocks.length
        return stages.fetchBlocks.receive(answer, { wanted: refs.length, countOf, waitedMs, signal })
      }
    }),
    verifyBlocks({ verify: (blocks) => verifyCertified(init, range, blocks, signal), ahead: BATCHES_AHEAD })
  )
  try {
    for await (const result of results) {
      if (result.kind === 'blocks') settle(result.blocks)
      onProgress()
    }
  } finally {
    ended.abort()
    signal.clear()
    budget.release(held)
  }
}

async function* single<T>(item: T): AsyncGenerator<T> {
  yield item
}

/** Those of certified commits that a peer claims to have. */
function upTo(end: number, certified: CertifiedCommits | undefined): CertifiedCommits | undefined {
  return certified && { ...certified, commits: certified.commits.filter(({ ref }) => ref.index <= end) }
}

async function certify(
  { store, blockVerifier, epochs, guard, stages, onVerified }: RangeAttemptInit,
  fetched: FetchedCommits,
  signal: AbortSignal
) {
  const epoch = claimedEpoch(fetched)
  const { length: count } = fetched.commits
  stages.verifyCommits.enter(count)
  const { committee, isOver } = await epochs
    .admit({ start: fetched.request.start, epoch, signal })
    .catch((thrown: unknown) => {
      stages.verifyCommits.drop(count)
      throw thrown
    })
  const begun = performance.now()
  const result = await stages.verifyCommits
    .process(count, signal, () => certifyRange(fetched, { committee, isOver, blockVerifier, signal }))
    .finally(() => onVerified?.({ kind: 'certification', items: count, milliseconds: performance.now() - begun }))
  checkTip(store.watermarks.highestSynced, result.certified)
  guard.checkCommits(result.certified.commits, () => result.certified)
  return result
}

/** The epoch that an answer claims to be of: one, for whoever serves commits ends an answer with the epoch. What is plainly wrong waits for nothing. */
function claimedEpoch({ request, commits }: FetchedCommits): number {
  const [first] = commits
  if (first === undefined) throw new VerifyError('COMMITS_EMPTY', 'an answer without commits')
  if (first.ref.index !== request.start) {
    throw new VerifyError('COMMITS_WRONG_INDEX', `commit ${first.ref.index} where commit ${request.start} belongs`)
  }
  const { epoch } = first.commit
  const other = commits.find(({ commit }) => commit.epoch !== epoch)
  if (other === undefined) return epoch
  throw new VerifyError('COMMITS_WRONG_EPOCH', `commit ${other.ref.index} of another epoch than the commits before it`)
}

/** A certified range that does not link to what is stored is a fork: better known before its blocks are fetched. The tail checks every link again. */
function checkTip(tip: CommitRef, evidence: CertifiedCommits): void {
  const { commits } = evidence
  const next = commits.find(({ ref }) => ref.index === tip.index + 1)
  if (next === undefined || bytesEqual(next.commit.previousDigest, tip.digest)) return
  const what = `certified commit ${next.ref.index} does not follow the stored commit ${tip.index}`
  throw new SyncError('SYNC_FORK', what, { evidence })
}

/** These bytes are what a quorum certified, by their digest: if they break a rule, no peer is at fault and the sync must not go on. */
async function verifyCertified(
  { blockVerifier, stages: { verifyBlocks } }: RangeAttemptInit,
  range: Range,
  blocks: readonly SignedBlock[],
  signal: AbortSignal
): Promise<VerifiedBlock[]> {
  const { length: count } = blocks
  verifyBlocks.enter(count)
  try {
    return await verifyBlocks.process(count, signal, () => blockVerifier.verifyCertified(blocks, { signal }))
  } catch (cause) {
    signal.throwIfAborted()
    if (!(cause instanceof VerifyError)) throw toError(cause)
    const refused = blocks.filter(({ ref }) => cause.block === undefined || blockRefsEqual(ref, cause.block))
    const { commits, certifiers } = range.certified ?? { commits: [], certifiers: [] }
    const evidence = { commits, certifiers, blocks: refused }
    const what = `a block that a quorum certified is refused: ${cause.message}`
    throw new SyncError('SYNC_CERTIFIED_DATA_REFUSED', what, { cause, evidence })
  }
}

import { type BlockRef, blockRefKey, formatBlockRef } from '../../consensus/block-ref.ts'
import { decodeSignedBlock, type SignedBlock } from '../../consensus/signed-block.ts'
import { VerifyError } from '../../verify/verify-error.ts'
import { type FetchBlocksResponse, MAX_BLOCKS_PER_FETCH } from '../messages.ts'
import type { CertifiedRange, FetchedBlocks, RangeRequest } from '../work.ts'
import { sumBytes } from './fetch-commits.ts'

export interface FetchBlocksStageInit {
  /** Asks the peer; response messages as they come. */
  readonly fetch: (request: RangeRequest, refs: readonly BlockRef[]) => AsyncIterable<FetchBlocksResponse>
}

/**
 * Stage 3: fetches the blocks of certified commits that no earlier attempt left, in commit order, and checks each against the
 * reference that was asked for.
 *
 * @throws {VerifyError} `BLOCK_WRONG_REF` for a block that was not asked for, or not at its place; `BLOCKS_MISSING` when the peer lacks some
 * @throws {ConsensusError} for a block that does not decode
 */
export function fetchBlocks(init: FetchBlocksStageInit) {
  return async function* (ranges: AsyncIterable<CertifiedRange>): AsyncGenerator<FetchedBlocks> {
    for await (const { request, certified } of ranges) {
      yield { kind: 'certified', certified }
      const wanted = certified.commits
        .flatMap(({ commit }) => commit.blocks)
        .filter((ref) => !request.hasBlock(blockRefKey(ref)))
      for (let offset = 0; offset < wanted.length; offset += MAX_BLOCKS_PER_FETCH) {
        yield* fetchBatch(init, request, wanted.slice(offset, offset + MAX_BLOCKS_PER_FETCH))
      }
    }
  }
}

async function* fetchBatch(
  init: FetchBlocksStageInit,
  request: RangeRequest,
  refs: readonly BlockRef[]
): AsyncGenerator<FetchedBlocks> {
  let next = 0
  let missing: BlockRef | undefined
  for await (const frame of init.fetch(request, refs)) {
    await request.hold(sumBytes(frame.blocks))
    const blocks: SignedBlock[] = []
    for (const bytes of frame.blocks) {
      const block = decodeSignedBlock(bytes)
      const key = blockRefKey(block.ref)
      while (next < refs.length && blockRefKey(refs[next] as BlockRef) !== key) {
        missing ??= refs[next]
        next += 1
      }
      if (next === refs.length) {
        throw new VerifyError('BLOCK_WRONG_REF', `${formatBlockRef(block.ref)} is not the block that was asked for`)
      }
      next += 1
      blocks.push(block)
    }
    if (blocks.length > 0) yield { kind: 'blocks', blocks }
  }
  missing ??= refs[next]
  if (missing !== undefined) throw new VerifyError('BLOCKS_MISSING', `the answer lacks ${formatBlockRef(missing)}`)
}

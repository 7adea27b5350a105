import { type BlockRef, blockRefsEqual, formatBlockRef } from '../../consensus/block-ref.ts'
import { ConsensusError } from '../../consensus/consensus-error.ts'
import { digestOf } from '../../consensus/digest.ts'
import { decodeDigestedBlock, type SignedBlock } from '../../consensus/signed-block.ts'
import { bytesEqual } from '../../runtime/hex.ts'
import { VerifyError } from '../../verify/verify-error.ts'
import { type FetchBlocksResponse, MAX_BLOCKS_PER_FETCH } from '../messages.ts'
import { SyncError } from '../sync-error.ts'
import type { CertifiedRange, FetchedBlocks, RangeRequest } from '../work.ts'
import { sumBytes } from './fetch-commits.ts'

export interface FetchBlocksStageInit {
  /** Asks the peer; response messages as they come. */
  readonly fetch: (request: RangeRequest, refs: readonly BlockRef[]) => AsyncIterable<FetchBlocksResponse>
}

/**
 * Stage 3: fetches the blocks of certified commits that no other attempt has brought, in commit order, and checks each against the
 * reference that was asked for.
 *
 * @throws {VerifyError} `BLOCK_WRONG_REF` for a block that was not asked for, or not at its place; `BLOCKS_MISSING` when the peer lacks some
 * @throws {SyncError} `SYNC_CERTIFIED_DATA_REFUSED` for bytes that a quorum certified and that are not the block they should be
 */
export function fetchBlocks(init: FetchBlocksStageInit) {
  return async function* (ranges: AsyncIterable<CertifiedRange>): AsyncGenerator<FetchedBlocks> {
    for await (const { request, certified } of ranges) {
      yield { kind: 'certified', certified }
      const refs = certified.commits.flatMap(({ commit }) => commit.blocks).values()
      for (let batch = nextBatch(refs, request); batch.length > 0; batch = nextBatch(refs, request)) {
        yield* fetchBatch(init, request, batch)
      }
    }
  }
}

/** As many of the next blocks as one request may ask for, those left out that are here by now. */
function nextBatch(refs: IteratorObject<BlockRef>, request: RangeRequest): BlockRef[] {
  const batch: BlockRef[] = []
  for (let next = refs.next(); next.done !== true; next = refs.next()) {
    if (!request.hasBlock(next.value)) batch.push(next.value)
    if (batch.length === MAX_BLOCKS_PER_FETCH) break
  }
  return batch
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
      const digest = digestOf('block', bytes)
      let wanted = refs[next++]
      while (wanted !== undefined && !bytesEqual(wanted.digest, digest)) {
        missing ??= wanted
        wanted = refs[next++]
      }
      if (wanted === undefined) throw new VerifyError('BLOCK_WRONG_REF', 'a block that was not asked for, or not here')
      blocks.push(decodeCertified(bytes, wanted))
    }
    if (blocks.length > 0) yield { kind: 'blocks', blocks }
  }
  missing ??= refs[next]
  if (missing !== undefined) throw new VerifyError('BLOCKS_MISSING', `the answer lacks ${formatBlockRef(missing)}`)
}

/** These bytes are what a quorum certified, by their digest: if they are no block, or another than the reference says, no peer is at fault. */
function decodeCertified(bytes: Uint8Array, ref: BlockRef): SignedBlock {
  const refused = (why: string, options?: ErrorOptions) =>
    new SyncError('SYNC_CERTIFIED_DATA_REFUSED', `${formatBlockRef(ref)}, certified by a quorum, ${why}`, options)
  let block: SignedBlock
  try {
    block = decodeDigestedBlock(bytes, () => ref.digest)
  } catch (cause) {
    if (!(cause instanceof ConsensusError)) throw cause
    throw refused(`is no block: ${cause.message}`, { cause })
  }
  if (!blockRefsEqual(block.ref, ref)) throw refused(`says that it is ${formatBlockRef(block.ref)}`)
  return block
}

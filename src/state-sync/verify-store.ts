import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { formatBlockRef } from '../consensus/block-ref.ts'
import type { TrustedCommit } from '../consensus/commit.ts'
import type { CommitRef } from '../consensus/commit-ref.ts'
import { ConsensusError } from '../consensus/consensus-error.ts'
import { digestOf } from '../consensus/digest.ts'
import type { Genesis } from '../consensus/genesis.ts'
import { decodeSignedBlock } from '../consensus/signed-block.ts'
import type { RpcProtocol } from '../rpc/rpc.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { bytesEqual } from '../runtime/hex.ts'
import { errorCode, SomaError, toError } from '../runtime/soma-error.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { openMemoryStore } from '../storage/memory-store.ts'
import { StorageError } from '../storage/storage-error.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'
import { verifyCertification } from '../verify/certification.ts'
import { verifyLink } from '../verify/commit-range.ts'
import { VerifyError } from '../verify/verify-error.ts'
import { ChainIntake, type CommitSource } from './chain-intake.ts'
import { CommitServer } from './commit-server.ts'
import type { HandOverMode } from './epoch-gate.ts'
import { type FetchBlocksRequest, type FetchCommitsRequest, MAX_COMMITS_PER_FETCH } from './messages.ts'
import * as protocols from './protocols.ts'
import { rememberingVerifier } from './remembering-verifier.ts'
import { SyncError } from './sync-error.ts'

/** Which part of which store is verified, and by what rules. */
export interface VerifyStoreInit {
  readonly genesis: Genesis
  readonly store: CommitStore
  readonly blockVerifier: BlockVerifier
  /** @default 'proof' */
  readonly handOver?: HandOverMode | undefined
  /** @default the lowest available commit */
  readonly from?: number | undefined
  /** @default the highest synced commit */
  readonly to?: number | undefined
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined
}

/** How far a verification is. */
export interface VerifyProgress {
  /** The highest commit verified. */
  readonly commit: number
  readonly from: number
  readonly to: number
  readonly blocks: number
  readonly bytes: number
}

/** A chain that is whole, and what was verified of it. */
export interface VerifiedChain extends VerifyProgress {
  /** Epochs whose hand-over was verified. */
  readonly handOvers: number
  /** Commits at the end that no quorum in the store certifies yet: their links and blocks are verified. */
  readonly uncertified: number
}

/** What a store holds is not what a quorum certified, or is not whole. */
export class StoreDamagedError extends SomaError<'STORE_DAMAGED'> {
  /** The commits among which the damage is. */
  readonly commits: { readonly start: number; readonly end: number }

  constructor(commits: { readonly start: number; readonly end: number }, message: string, options?: ErrorOptions) {
    super('STORE_DAMAGED', message, options)
    this.commits = commits
  }
}

/**
 * Verifies the chain in a store anew, as if a peer had served it to a node that has nothing: links and digests, the certification of every commit that has certifiers, every
 * block by every rule, hand-overs, and that the store finds its commits by digest and names the committees that the chain proves. From the genesis on nothing of the store is
 * taken on its word; from a later commit on, the committee of the first one's epoch is.
 *
 * @throws {StoreDamagedError} at the first damage; `RangeError` where the store has no such commits; the signal's reason
 */
export async function verifyStore(init: VerifyStoreInit): Promise<VerifiedChain> {
  const { genesis, store, signal } = init
  const { lowestAvailable, highestSynced } = store.watermarks
  const from = init.from ?? lowestAvailable
  const to = init.to ?? highestSynced.index
  const progress = { commit: from - 1, from, to, blocks: 0, bytes: 0 }
  if (to < from && init.to === undefined && init.from === undefined)
    return { ...progress, handOvers: 0, uncertified: 0 }
  if (from < lowestAvailable || to > highestSynced.index || to < from) {
    throw new RangeError(`the store has commits ${lowestAvailable} to ${highestSynced.index}, not ${from} to ${to}`)
  }
  const blockVerifier = rememberingVerifier(init.blockVerifier)
  const mirror = await openMemoryStore({ genesis })
  const state = { at: from }
  try {
    await begin(mirror, init, from)
    const intake = new ChainIntake(
      {
        store: mirror,
        blockVerifier,
        handOver: init.handOver,
        onStored(commits) {
          for (const { subDag } of commits) {
            progress.blocks += subDag.blocks.length
            for (const { bytes } of [subDag.commit, ...subDag.blocks]) progress.bytes += bytes.byteLength
            progress.commit = subDag.commit.ref.index
          }
          init.onProgress?.({ ...progress })
        }
      },
      peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
    )
    await intake.open()
    const firstEpoch = (await epochOf(store, from)) ?? 0
    const source = sourceOf(new CommitServer({ genesis, store }), signal)
    const certified = (await store.highestCertifiableIn(from, to)) ?? from - 1
    while (state.at <= certified) {
      const start = state.at
      const end = await intake.take(start, Math.min(start + MAX_COMMITS_PER_FETCH - 1, certified), source, signal)
      for (let index = start; index <= end; index++) await checkCommit({ store, mirror, blockVerifier, signal }, index)
      if (init.handOver === 'inserted') await insertNext(store, intake, mirror.watermarks.highestSynced)
      await mirror.prune(end - KEPT_COMMITS)
      state.at = end + 1
    }
    await checkUncertified({ ...init, blockVerifier }, mirror, { from: state.at, to })
    progress.commit = to
    init.onProgress?.({ ...progress })
    const handOvers = await checkEpochs(store, mirror, firstEpoch)
    return { ...progress, handOvers, uncertified: to - certified }
  } catch (thrown) {
    signal.throwIfAborted()
    const commits = { start: state.at, end: Math.min(state.at + MAX_COMMITS_PER_FETCH - 1, to) }
    throw damageOf((await findOtherBlock(store, thrown, commits)) ?? thrown, commits)
  } finally {
    await mirror.close()
  }
}

/** Commits of the mirror that are kept: what is counted of votes goes back some. */
const KEPT_COMMITS = 100

/** Where not the whole chain is verified, the mirror begins at a checkpoint. */
async function begin(mirror: CommitStore, { store }: VerifyStoreInit, from: number): Promise<void> {
  if (from === 1) return
  const first = await store.getCommit(from)
  const committee = first && (await store.getCommittee(first.commit.epoch))
  if (first === undefined || committee === undefined) {
    throw new StorageError('STORAGE_CORRUPTED', `commit ${from} or the committee of its epoch is missing`)
  }
  const commit: CommitRef = { index: from - 1, digest: first.commit.previousDigest }
  await mirror.beginAt({ commit, committee })
}

interface Check {
  readonly store: CommitStore
  readonly mirror: CommitStore
  readonly blockVerifier: BlockVerifier
  readonly signal: AbortSignal
}

/** What a peer is never asked for: that the commit is found by its digest, and that its own certifiers certify it. */
async function checkCommit({ store, mirror, blockVerifier, signal }: Check, index: number): Promise<void> {
  const commit = await mirror.getCommit(index)
  if (commit === undefined) throw new StorageError('STORAGE_CORRUPTED', `commit ${index} is missing`)
  if ((await store.getCommitIndex(commit.ref.digest)) !== index) {
    throw new StorageError('STORAGE_CORRUPTED', `commit ${index} is not found by its digest`)
  }
  const certifiers = (await store.getCertifiers(index)).map(decodeSignedBlock)
  if (certifiers.length === 0) return
  const committee = await mirror.getCommittee(commit.commit.epoch)
  if (committee === undefined) throw new StorageError('STORAGE_CORRUPTED', `no committee for commit ${index}`)
  await verifyCertification({ commit, certifiers, committee, blockVerifier, signal })
}

/** The end of a chain whose votes are still to come. */
async function checkUncertified(
  { store, blockVerifier, signal }: VerifyStoreInit,
  mirror: CommitStore,
  { from, to }: { from: number; to: number }
): Promise<void> {
  let before: CommitRef = mirror.watermarks.highestSynced
  for (let index = from; index <= to; index++) {
    const subDag = await store.getSubDag(index)
    if (subDag === undefined) throw new StorageError('STORAGE_CORRUPTED', `commit ${index} is missing`)
    const commit: TrustedCommit = subDag.commit
    verifyLink(before, commit)
    // read anew: a store takes the digests of its blocks from the commit that names them
    const blocks = subDag.blocks.map(({ bytes }) => decodeSignedBlock(bytes))
    const other = blocks.findIndex(
      ({ ref }, at) => !bytesEqual(ref.digest, subDag.blocks[at]?.ref.digest ?? ref.digest)
    )
    if (other !== -1) throw new StorageError('STORAGE_CORRUPTED', `block ${other} of commit ${index} is another one`)
    await blockVerifier.verify(blocks, { signal })
    before = commit.ref
  }
}

/** Compares the committees and ends of epochs that the chain proves with those that the store names. */
async function checkEpochs(store: CommitStore, mirror: CommitStore, first: number): Promise<number> {
  let handOvers = 0
  for (let epoch = first; ; epoch++) {
    const proven = await mirror.getCommittee(epoch)
    if (proven === undefined) return handOvers
    const named = await store.getCommittee(epoch)
    if (named === undefined || !bytesEqual(named.digest, proven.digest)) {
      throw new StorageError(
        'STORAGE_CORRUPTED',
        `the committee of epoch ${epoch} is not the one that the chain proves`
      )
    }
    const last = await mirror.getLastCommitOfEpoch(epoch)
    if (last === undefined) continue
    handOvers += 1
    if (last !== (await store.getLastCommitOfEpoch(epoch))) {
      throw new StorageError(
        'STORAGE_CORRUPTED',
        `epoch ${epoch} ends with commit ${last}, and the store says otherwise`
      )
    }
  }
}

/** Where nothing proves who comes next, the committees of the store are taken on its word. */
async function insertNext(store: CommitStore, intake: ChainIntake, last: CommitRef): Promise<void> {
  const epoch = await epochOf(store, last.index)
  if (epoch === undefined || (await store.getLastCommitOfEpoch(epoch)) !== last.index) return
  const next = await store.getCommittee(epoch + 1)
  if (next !== undefined) await intake.insertCommittee(next, last)
}

async function epochOf(store: CommitStore, index: number): Promise<number | undefined> {
  return (await store.getCommit(index))?.commit.epoch
}

/** Everything that a peer would be blamed for, or the sync would halt for, is damage here. */
function damageOf(thrown: unknown, commits: { start: number; end: number }): Error {
  const error = toError(thrown)
  const isDamage =
    error instanceof VerifyError ||
    error instanceof ConsensusError ||
    error instanceof SyncError ||
    error instanceof RpcError ||
    (error instanceof StorageError && error.code === 'STORAGE_CORRUPTED')
  if (!isDamage) return error
  const what = `commits ${commits.start} to ${commits.end}: ${error.message} (${errorCode(error)})`
  return new StoreDamagedError(commits, what, { cause: error })
}

/** A peer's answer says only that a block is another one: which, the store itself tells. */
async function findOtherBlock(
  store: CommitStore,
  thrown: unknown,
  { start, end }: { start: number; end: number }
): Promise<Error | undefined> {
  if (!['BLOCK_WRONG_REF', 'BLOCKS_MISSING'].includes(errorCode(thrown))) return undefined
  for await (const { ref, commit } of store.readCommits(start, end)) {
    const blocks = await store.getBlocks(commit.blocks)
    for (const [at, block] of commit.blocks.entries()) {
      const bytes = blocks[at]
      if (bytes !== undefined && bytesEqual(digestOf('block', bytes), block.digest)) continue
      const what = bytes === undefined ? 'is missing' : 'is another one'
      return new StorageError('STORAGE_CORRUPTED', `block ${formatBlockRef(block)} of commit ${ref.index} ${what}`)
    }
  }
  return undefined
}

/** A store that answers as a peer does. */
function sourceOf(server: CommitServer, signal: AbortSignal): CommitSource {
  return {
    async *stream<Request, Response>(_: unknown, protocol: RpcProtocol<Request, Response>, request: Request) {
      const answer =
        protocol.name === protocols.fetchCommits.name
          ? server.fetchCommits(request as unknown as FetchCommitsRequest, signal)
          : server.fetchBlocks(request as unknown as FetchBlocksRequest, signal)
      for await (const response of answer) if (response !== undefined) yield response as unknown as Response
    }
  }
}

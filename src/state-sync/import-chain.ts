import type { FileHandle } from 'node:fs/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { decodeCommit } from '../consensus/commit.ts'
import { ConsensusError } from '../consensus/consensus-error.ts'
import type { Genesis } from '../consensus/genesis.ts'
import type { TrustedCheckpoint } from '../consensus/trusted-checkpoint.ts'
import type { RpcProtocol } from '../rpc/rpc.ts'
import type { Clock } from '../runtime/clock.ts'
import { bytesEqual, toHex } from '../runtime/hex.ts'
import { errorCode, toError } from '../runtime/soma-error.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import type { BlockVerifier } from '../verify/block-verifier.ts'
import { VerifyError } from '../verify/verify-error.ts'
import { BLOCKS_FRAME, ChainFileError, COMMITS_FRAME } from './chain-file.ts'
import { ChainFileReader } from './chain-file-reader.ts'
import { ChainIntake, type CommitSource } from './chain-intake.ts'
import type { HandOverMode } from './epoch-gate.ts'
import {
  type FetchBlocksRequest,
  type FetchBlocksResponse,
  fetchCommitsResponseMessage,
  MAX_COMMITS_PER_FETCH
} from './messages.ts'
import * as protocols from './protocols.ts'

/** What is read, and the store that it goes into. */
export interface ImportChainInit {
  readonly genesis: Genesis
  readonly store: CommitStore
  readonly blockVerifier: BlockVerifier
  /** How epochs hand over. Where nothing proves it, the file is taken to the end of the epoch. @default 'proof' */
  readonly handOver?: HandOverMode | undefined
  /** Nothing that conflicts with it is taken. @default none */
  readonly checkpoint?: TrustedCheckpoint | undefined
  /** @default the machine's */
  readonly clock?: Clock
  /** The chain file. It is left open, and must not change meanwhile. */
  readonly file: FileHandle
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined
}

/** How far an import is. */
export type ImportProgress =
  /** The file is compared with its checksum. */
  | { readonly step: 'check'; readonly bytes: number; readonly totalBytes: number }
  /** Commits are verified and stored. */
  | {
      readonly step: 'import'
      readonly commit: number
      readonly start: number
      readonly end: number
      /** Blocks stored so far, and bytes of commits and blocks. */
      readonly blocks: number
      readonly storedBytes: number
    }

/** What an import came to: the commits of the file, and how many of them the store lacked. */
export interface ImportResult {
  readonly start: number
  readonly end: number
  /** How many commits were new. */
  readonly stored: number
}

/**
 * Brings the commits of a chain file into a store, each verified as if a peer had served it. What the store has already is passed over; an import that was
 * interrupted goes on where it was.
 *
 * @throws {ChainFileError}; {@link SyncError} where a quorum certified what conflicts with the store or the checkpoint; {@link StorageError}; the signal's reason
 */
export async function importChain(init: ImportChainInit): Promise<ImportResult> {
  const { genesis, store, file, signal, onProgress } = init
  const reader = await ChainFileReader.open(file)
  const { chainId, start, end } = reader.header
  if (!bytesEqual(chainId, genesis.chainId)) {
    const [theirs, ours] = [chainId, genesis.chainId].map((id) => toHex(id).slice(0, 16))
    const what = `the file is of chain ${theirs}, and the genesis is that of chain ${ours}`
    throw new ChainFileError('CHAIN_FILE_WRONG_CHAIN', what)
  }
  const before = store.watermarks.highestSynced.index
  if (start > before + 1) {
    const what = `the file begins with commit ${start}, and the store needs commit ${before + 1} next`
    throw new ChainFileError('CHAIN_FILE_GAP', what)
  }
  await reader.check({
    signal,
    onProgress: (bytes) => onProgress?.({ step: 'check', bytes, totalBytes: reader.bytes })
  })
  let [blocks, storedBytes] = [0, 0]
  const intake = new ChainIntake(
    {
      ...init,
      onStored(commits) {
        for (const { subDag } of commits) {
          blocks += subDag.blocks.length
          for (const { bytes } of [subDag.commit, ...subDag.blocks]) storedBytes += bytes.byteLength
        }
        const commit = commits.at(-1)?.subDag.commit.ref.index ?? start
        onProgress?.({ step: 'import', commit, start, end, blocks, storedBytes })
      }
    },
    peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  )
  await intake.open()
  const source = sourceOf(reader)
  let next = start
  while (!(await reader.isAtEnd())) {
    signal.throwIfAborted()
    if (next > end) throw new ChainFileError('CHAIN_FILE_INVALID', `commits after ${end}, its last one`)
    const known = await passKnown(init, reader, next)
    next = known ?? (await takeRange(intake, { next, end, source, signal })) + 1
  }
  if (next !== end + 1) {
    throw new ChainFileError('CHAIN_FILE_INVALID', `the file ends with commit ${next - 1}, and says ${end}`)
  }
  return { start, end, stored: Math.max(0, end - before) }
}

/** Takes one range, and says of what a peer would be blamed for that it is the file's. */
async function takeRange(
  intake: ChainIntake,
  { next, end, source, signal }: { next: number; end: number; source: CommitSource; signal: AbortSignal }
): Promise<number> {
  const last = Math.min(next + MAX_COMMITS_PER_FETCH - 1, end)
  try {
    return await intake.take(next, last, source, signal)
  } catch (cause) {
    signal.throwIfAborted()
    if (!(cause instanceof VerifyError || cause instanceof ConsensusError)) throw toError(cause)
    if (errorCode(cause) === 'BLOCK_UNKNOWN_EPOCH') {
      const what = `the committee of commit ${next} is not known: the executing node has to say who comes after commit ${next - 1}`
      throw new ChainFileError('CHAIN_FILE_COMMITTEE_AWAITED', what, { cause })
    }
    const what = `commits ${next} to ${last} are refused: ${cause.message} (${errorCode(cause)})`
    throw new ChainFileError('CHAIN_FILE_REFUSED', what, { cause })
  }
}

/**
 * Passes over a range that is stored whole, commit for commit. Where one differs the range is to be verified: only then is it known whether the file lies or the chain has
 * forked.
 *
 * @returns the commit after it; `undefined` when it is to be taken, and the reader stands at its beginning
 */
async function passKnown(
  { store, signal }: ImportChainInit,
  reader: ChainFileReader,
  start: number
): Promise<number | undefined> {
  const { position } = reader
  const { highestSynced, lowestAvailable } = store.watermarks
  let next = start
  for (;;) {
    signal.throwIfAborted()
    const frame =
      next > highestSynced.index + 1 ? undefined : await reader.next(COMMITS_FRAME, fetchCommitsResponseMessage)
    if (frame === undefined) break
    for (const bytes of frame.commits) {
      const isPruned = next < lowestAvailable && next < highestSynced.index
      const known = next === highestSynced.index ? highestSynced : (await store.getCommit(next))?.ref
      if (!isPruned && (known === undefined || !bytesEqual(known.digest, digestOf(bytes)))) {
        reader.position = position
        return undefined
      }
      next += 1
    }
  }
  if (next === start) {
    reader.position = position
    return undefined
  }
  await reader.skip(BLOCKS_FRAME)
  return next
}

function digestOf(bytes: Uint8Array): Uint8Array {
  try {
    return decodeCommit(bytes).ref.digest
  } catch (cause) {
    if (!(cause instanceof ConsensusError)) throw cause
    throw new ChainFileError('CHAIN_FILE_REFUSED', cause.message, { cause })
  }
}

/** A file that answers as a peer does. */
function sourceOf(reader: ChainFileReader): CommitSource {
  return {
    async *stream<Request, Response>(_: unknown, protocol: RpcProtocol<Request, Response>, request: Request) {
      if (protocol.name === protocols.fetchCommits.name) {
        for (;;) {
          const frame = await reader.next(COMMITS_FRAME, protocol.response)
          if (frame === undefined) return
          yield frame
        }
      }
      const { refs } = request as unknown as FetchBlocksRequest
      for (let count = 0; count < refs.length; ) {
        const frame = await reader.next(BLOCKS_FRAME, protocol.response)
        if (frame === undefined) return
        count += (frame as unknown as FetchBlocksResponse).blocks.length
        yield frame
      }
    }
  }
}

import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { decodeCommittee } from '../../src/consensus/committee.ts'
import type { Genesis } from '../../src/consensus/genesis.ts'
import type { TrustedCheckpoint } from '../../src/consensus/trusted-checkpoint.ts'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import { toError } from '../../src/runtime/soma-error.ts'
import { UsageError } from './cli-error.ts'

/** A trusted checkpoint as it goes from operator to operator: digests in hexadecimal, the encoded committee in base64. */
export interface CheckpointFile {
  readonly kind: 'soma-p2p/checkpoint/1'
  readonly chainId: string
  readonly commit: { readonly index: number; readonly digest: string }
  readonly committee: string
}

const digest = z.string().regex(/^[0-9a-f]{64}$/, 'should be 64 hexadecimal digits')

const checkpointFile: z.ZodType<CheckpointFile> = z.strictObject({
  kind: z.literal('soma-p2p/checkpoint/1'),
  chainId: digest,
  commit: z.strictObject({ index: z.int().min(1), digest }),
  committee: z.base64()
})

/** What the file of a checkpoint holds. */
export function describeCheckpoint({ commit, committee }: TrustedCheckpoint, { chainId }: Genesis): CheckpointFile {
  return {
    kind: 'soma-p2p/checkpoint/1',
    chainId: toHex(chainId),
    commit: { index: commit.index, digest: toHex(commit.digest) },
    committee: Buffer.from(committee.bytes).toString('base64')
  }
}

/**
 * Reads the file of a checkpoint.
 *
 * @throws {UsageError} `FILE_UNREADABLE`, `CHECKPOINT_INVALID` for something else than a checkpoint of this chain
 */
export async function readCheckpointFile(path: string, { chainId }: Genesis): Promise<TrustedCheckpoint> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new UsageError('FILE_UNREADABLE', `cannot read the checkpoint: ${toError(cause).message}`, { cause })
  }
  try {
    const file = checkpointFile.parse(JSON.parse(text))
    if (file.chainId === toHex(chainId)) {
      const { index, digest } = file.commit
      const committee = decodeCommittee(new Uint8Array(Buffer.from(file.committee, 'base64')))
      return { commit: { index, digest: fromHex(digest) }, committee }
    }
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined
    const why = issue === undefined ? toError(cause).message : `${issue.path.join('.') || 'content'}: ${issue.message}`
    throw new UsageError('CHECKPOINT_INVALID', `${path} is no checkpoint: ${why}`, { cause })
  }
  throw new UsageError('CHECKPOINT_INVALID', `${path} is a checkpoint of another chain than the genesis is of`)
}

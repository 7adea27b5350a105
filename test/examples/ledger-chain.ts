import type { ExecutorInit } from '../../examples/ledger/run-executor.ts'
import { blockMessage } from '../../src/consensus/block.ts'
import { encodeCommit, trustCommit } from '../../src/consensus/commit.ts'
import type { CommittedSubDag } from '../../src/consensus/committed-sub-dag.ts'
import type { Genesis } from '../../src/consensus/genesis.ts'
import { decodeSignedBlock, trustBlock } from '../../src/consensus/signed-block.ts'
import type { Watermarks } from '../../src/storage/commit-store.ts'
import { buildGenesis } from '../../src/testing/genesis-builder.ts'
import { deriveValidatorKeys } from '../../src/testing/validator-keys.ts'

/** What the chains begin with. */
export const GENESIS: Genesis = buildGenesis({
  validators: [{ keys: deriveValidatorKeys(1, 0) }],
  startTimeMs: 0
}).genesis

const SIGNATURE = new Uint8Array(64) // the ledger trusts what it is given

/** Commits that carry the given transactions: a list of texts for each block of each commit. */
export function chainOf(
  commits: readonly (readonly (readonly string[])[])[],
  chainId: Uint8Array = GENESIS.chainId
): CommittedSubDag[] {
  const encode = (text: string) => new TextEncoder().encode(text)
  return chainOfBytes(
    commits.map((blocks) => blocks.map((texts) => texts.map(encode))),
    { chainId }
  )
}

/** Commits that carry the given transactions: a list for each block of each commit. */
export function chainOfBytes(
  commits: readonly (readonly (readonly Uint8Array[])[])[],
  { chainId = GENESIS.chainId, epochOf = () => 0 }: { chainId?: Uint8Array; epochOf?: (index: number) => number } = {}
): CommittedSubDag[] {
  let previousDigest = chainId
  return commits.map((blocks, at) => {
    const index = at + 1
    const epoch = epochOf(index)
    const signed = blocks.map((transactions, author) => {
      const block = blockMessage.encode({
        epoch,
        round: index,
        author,
        timestampMs: 0,
        ancestors: [],
        transactions,
        commitVotes: [],
        endOfEpoch: undefined
      })
      return trustBlock(decodeSignedBlock(new Uint8Array([...SIGNATURE, ...block])))
    })
    const refs = signed.map((block) => block.ref)
    const leader = refs[0]
    if (leader === undefined) throw new RangeError('a commit without a block')
    const encoded = encodeCommit({ index, previousDigest, timestampMs: 0, leader, blocks: refs, epoch })
    previousDigest = encoded.ref.digest
    return { commit: trustCommit(encoded), blocks: signed }
  })
}

/** A chain of `length` commits, two blocks each, in which every third transaction is one of an earlier commit again. */
export function longChain(length: number): CommittedSubDag[] {
  return chainOf(
    Array.from({ length }, (_, commit) =>
      [0, 1].map((block) =>
        Array.from({ length: 3 }, (_, at) => (at === 2 ? `${commit - 2} ${block} 0` : `${commit} ${block} ${at}`))
      )
    )
  )
}

const ref = { index: 0, digest: GENESIS.chainId }
/** Of a store without a commit. */
export const NO_WATERMARKS: Watermarks = { highestSynced: ref, highestCertifiable: 0, lowestAvailable: 1 }

/** A node with a chain that is there already, and a list of the indices from which it was subscribed to. */
export function nodeWith(chain: readonly CommittedSubDag[]): ExecutorInit['node'] & { subscribed: number[] } {
  const subscribed: number[] = []
  const find = (wanted: number) => chain.find(({ commit }) => commit.ref.index === wanted)
  return {
    subscribed,
    store: { getSubDag: async (index) => find(index), watermarks: NO_WATERMARKS },
    insertCommittee: async () => 'known',
    async *subscribe({ from = 1, signal } = {}) {
      subscribed.push(from)
      for (const subDag of chain.filter(({ commit }) => commit.ref.index >= from)) {
        if (signal?.aborted) return
        yield subDag
      }
    }
  }
}

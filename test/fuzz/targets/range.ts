import assert from 'node:assert/strict'
import { pipe } from 'it-pipe'
import { bytesEqual, toHex } from '../../../src/runtime/hex.ts'
import { SomaError } from '../../../src/runtime/soma-error.ts'
import { bytes, message, repeated } from '../../../src/runtime/wire-message.ts'
import { certifyRange } from '../../../src/state-sync/certify-range.ts'
import { fetchBlocksResponseMessage, fetchCommitsResponseMessage } from '../../../src/state-sync/messages.ts'
import { fetchBlocks } from '../../../src/state-sync/stages/fetch-blocks.ts'
import { fetchCommits } from '../../../src/state-sync/stages/fetch-commits.ts'
import { verifyBlocks } from '../../../src/state-sync/stages/verify-blocks.ts'
import { verifyCommits } from '../../../src/state-sync/stages/verify-commits.ts'
import type { RangeRequest, VerifiedBlocks } from '../../../src/state-sync/work.ts'
import { commitAt } from '../../../src/testing/index.ts'
import { createBlockVerifier } from '../../../src/verify/block-verifier.ts'
import { createMainThreadVerifier } from '../../../src/verify/main-thread-verifier.ts'
import { makePeer } from '../../peers/make-peer.ts'
import { outcomeOf } from '../decoder-target.ts'
import { type FuzzTarget, MAX_INPUT_BYTES } from '../fuzz-target.ts'
import { sampleChain } from '../sample-chain.ts'
import { vectorBytes } from '../vectors.ts'

/** The range that is asked for: the first commits of epoch 0. */
const END = 4

/** What only a quorum of liars, or a fault of ours, may come to. */
const HALTS: ReadonlySet<string> = new Set(['SYNC_CERTIFIED_DATA_REFUSED', 'SYNC_FORK'])

/** The answers to a range: encoded FetchCommitsResponses, then FetchBlocksResponses, frame by frame. */
const answersMessage = message('RangeAnswers', {
  commits: repeated(bytes(1, { most: MAX_INPUT_BYTES }), 1_000),
  blocks: repeated(bytes(2, { most: MAX_INPUT_BYTES }), 1_000)
})

/** The way of a range through the stages, with a peer that may answer whatever it likes: what comes out is the chain, or nothing. */
export function rangeTargets(): FuzzTarget[] {
  return [
    {
      name: 'state-sync/range',
      shape: 'protobuf',
      weight: 0.15,
      async open() {
        const { peerId } = await makePeer(1)
        const attempt = attempts(peerId)
        return {
          seeds: seeds(),
          async run(input) {
            const passed: VerifiedBlocks[] = []
            try {
              for await (const item of attempt(input)) passed.push(item)
            } catch (thrown) {
              if (!(thrown instanceof SomaError)) throw thrown
              assertOfChain(passed)
              assert.ok(!HALTS.has(thrown.code), `one liar halts the sync: ${thrown.message}`)
              return outcomeOf(thrown)
            }
            assertOfChain(passed)
            return 'whole'
          }
        }
      }
    }
  ]
}

function attempts(peer: RangeRequest['peer']) {
  const { genesis } = sampleChain()
  const { committee, chainId } = genesis
  const threadless = createMainThreadVerifier()
  const signatures = { signatures: threadless, bls: threadless }
  const getCommittee = (epoch: number) => (epoch === 0 ? committee : undefined)
  const blockVerifier = createBlockVerifier({ chainId, ...signatures, getCommittee })
  const { signal } = new AbortController()
  const request = { peer, start: 1, end: END, certified: undefined, hasBlock: () => false, hold: async () => {} }
  return (input: Uint8Array): AsyncIterable<VerifiedBlocks> => {
    const answers = answersMessage.decode(input)
    return pipe(
      each([request]),
      fetchCommits({
        fetch: () => each(answers.commits, (frame) => fetchCommitsResponseMessage.decode(frame)),
        maxCertifiers: () => committee.validators.length
      }),
      verifyCommits({
        certify: (fetched) => certifyRange(fetched, { committee, isOver: false, blockVerifier, signal })
      }),
      fetchBlocks({ fetch: () => each(answers.blocks, (frame) => fetchBlocksResponseMessage.decode(frame)) }),
      verifyBlocks({ verify: (blocks) => blockVerifier.verifyCertified(blocks), ahead: 1 })
    )
  }
}

function assertOfChain(passed: readonly VerifiedBlocks[]): void {
  const chain = sampleChain()
  const known = new Set(
    chain.commits.slice(0, END).flatMap(({ subDag }) => subDag.blocks.map(({ bytes }) => toHex(bytes)))
  )
  for (const item of passed) {
    if (item.kind === 'blocks') {
      for (const { bytes } of item.blocks) assert.ok(known.has(toHex(bytes)), 'a block passes that is not of the chain')
    } else {
      for (const [at, { bytes }] of item.certified.commits.entries()) {
        assert.ok(
          bytesEqual(bytes, commitAt(chain, at + 1).subDag.commit.bytes),
          'a commit passes that nobody certified'
        )
      }
    }
  }
}

/** Honest answers of one frame and of many, shorter ones, and the frames of the test vectors for ranges that lie. */
function seeds(): Uint8Array[] {
  const { commits } = sampleChain()
  const made: Uint8Array[] = []
  for (let end = 1; end <= END; end++) {
    const range = commits.slice(0, end)
    const certifierBlocks = range.at(-1)?.certifiers ?? []
    const inOne = range.map(({ subDag }) => subDag.commit.bytes)
    const blocks = range.flatMap(({ subDag }) => subDag.blocks.map(({ bytes }) => bytes))
    const whole = fetchCommitsResponseMessage.encode({ commits: inOne, certifierBlocks })
    const split = [
      ...inOne.map((commit) => fetchCommitsResponseMessage.encode({ commits: [commit], certifierBlocks: [] })),
      ...certifierBlocks.map((block) => fetchCommitsResponseMessage.encode({ commits: [], certifierBlocks: [block] }))
    ]
    const each = blocks.map((block) => fetchBlocksResponseMessage.encode({ blocks: [block] }))
    made.push(answersMessage.encode({ commits: [whole], blocks: [fetchBlocksResponseMessage.encode({ blocks })] }))
    made.push(answersMessage.encode({ commits: split, blocks: each }))
  }
  const lies = vectorBytes('invalid-ranges', 'commits').slice(0, 20)
  const lying = fetchCommitsResponseMessage.encode({ commits: lies, certifierBlocks: [] })
  return [...made, answersMessage.encode({ commits: [lying], blocks: [] })]
}

async function* each<T, U = T>(items: readonly T[], read: (item: T) => U = (item) => item as unknown as U) {
  for (const item of items) yield read(item)
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Block } from '../../src/consensus/block.ts'
import { type BlockRef, genesisBlockRef } from '../../src/consensus/block-ref.ts'
import { decodeCommittee, encodeCommittee } from '../../src/consensus/committee.ts'
import type { SignedBlock } from '../../src/consensus/signed-block.ts'
import { buildChain, commitAt } from '../../src/testing/chain-builder.ts'
import { breakSignature, forgeBlock } from '../../src/testing/forge.ts'
import { verifyBlockStructure } from '../../src/verify/block-structure.ts'
import { type BlockVerifierInit, createBlockVerifier } from '../../src/verify/block-verifier.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'
import { VerifyError, type VerifyErrorCode } from '../../src/verify/verify-error.ts'

const chain = buildChain({ commits: 10 })
const { chainId, committee } = chain.genesis
const signatures = createMainThreadVerifier()

function verifierOf(init: Partial<BlockVerifierInit> = {}) {
  return createBlockVerifier({
    chainId,
    signatures,
    getCommittee: (epoch) => (epoch === 0 ? committee : undefined),
    ...init
  })
}

const blocks: readonly SignedBlock[] = chain.commits.flatMap(({ subDag }) => subDag.blocks)

function blockWhere(isWanted: (block: Block) => boolean): SignedBlock {
  const found = blocks.find(({ block }) => isWanted(block))
  if (found === undefined) throw new Error('the chain holds no such block')
  return found
}

/** In the middle of the chain, with a parent of every validator. */
const original = blockWhere(
  ({ round, ancestors }) => round > 3 && ancestors.filter((a) => a.round === round - 1).length === 4
)
const first = blockWhere(({ round }) => round === 1)
const [own, second, third, fourth] = original.block.ancestors as [BlockRef, BlockRef, BlockRef, BlockRef]

interface Case {
  readonly rule: string
  readonly code: VerifyErrorCode
  readonly changes: Partial<Block>
  readonly of?: SignedBlock
  readonly signer?: number
}

function ancestors(...refs: BlockRef[]): Partial<Block> {
  return { ancestors: refs }
}

const someDigest = new Uint8Array(32).fill(9)
const genesisOf = (author: number) => genesisBlockRef(chainId, 0, author)

/** One rule broken at a time, and signed all the same. */
const broken: readonly Case[] = [
  { rule: 'an epoch without a committee', code: 'BLOCK_UNKNOWN_EPOCH', changes: { epoch: 1 } },
  { rule: 'round 0', code: 'BLOCK_GENESIS_ROUND', changes: { round: 0 } },
  { rule: 'an author above the committee', code: 'BLOCK_AUTHOR_OUT_OF_RANGE', changes: { author: 4 } },
  { rule: 'no ancestors', code: 'BLOCK_NO_ANCESTORS', changes: ancestors() },
  {
    rule: 'more ancestors than validators',
    code: 'BLOCK_TOO_MANY_ANCESTORS',
    changes: ancestors(own, second, third, fourth, { ...fourth, digest: someDigest })
  },
  {
    rule: "another's ancestor first",
    code: 'BLOCK_OWN_ANCESTOR_NOT_FIRST',
    changes: ancestors(second, own, third, fourth)
  },
  { rule: 'no own ancestor', code: 'BLOCK_OWN_ANCESTOR_NOT_FIRST', changes: ancestors(second, third, fourth) },
  {
    rule: 'a second own ancestor',
    code: 'BLOCK_OWN_ANCESTOR_NOT_FIRST',
    changes: ancestors(own, second, third, { ...own, digest: someDigest })
  },
  {
    rule: 'two ancestors by one validator',
    code: 'BLOCK_DUPLICATE_ANCESTOR_AUTHOR',
    changes: ancestors(own, second, third, { ...third, digest: someDigest })
  },
  {
    rule: 'an ancestor by nobody',
    code: 'BLOCK_ANCESTOR_OUT_OF_RANGE',
    changes: ancestors(own, second, third, { ...fourth, author: 4 })
  },
  {
    rule: 'an ancestor of another epoch',
    code: 'BLOCK_ANCESTOR_WRONG_EPOCH',
    changes: ancestors(own, second, third, { ...fourth, epoch: 1 })
  },
  {
    rule: 'an ancestor of the same round',
    code: 'BLOCK_ANCESTOR_NOT_EARLIER',
    changes: ancestors(own, second, third, { ...fourth, round: original.block.round })
  },
  {
    rule: 'an ancestor of a later round',
    code: 'BLOCK_ANCESTOR_NOT_EARLIER',
    changes: ancestors(own, second, third, { ...fourth, round: original.block.round + 1 })
  },
  {
    rule: 'a genesis ancestor with another digest',
    code: 'BLOCK_FALSE_GENESIS_ANCESTOR',
    changes: ancestors(own, second, third, { ...genesisOf(fourth.author), digest: someDigest })
  },
  {
    rule: "a genesis ancestor with another's digest",
    code: 'BLOCK_FALSE_GENESIS_ANCESTOR',
    changes: ancestors(own, second, third, { ...genesisOf(fourth.author), digest: genesisOf(own.author).digest })
  },
  {
    rule: 'a genesis ancestor of another epoch',
    code: 'BLOCK_FALSE_GENESIS_ANCESTOR',
    changes: ancestors(own, second, third, { ...genesisBlockRef(chainId, 1, fourth.author), epoch: 0 })
  },
  {
    rule: 'parents without a quorum',
    code: 'BLOCK_PARENTS_WITHOUT_QUORUM',
    changes: ancestors(own, second)
  },
  {
    rule: 'a quorum of ancestors that are not of the round before',
    code: 'BLOCK_PARENTS_WITHOUT_QUORUM',
    changes: ancestors(own, second, genesisOf(third.author), genesisOf(fourth.author))
  },
  {
    rule: 'the signature of another validator',
    code: 'BLOCK_BAD_SIGNATURE',
    changes: {},
    signer: (original.ref.author + 1) % 4
  },
  {
    rule: 'an aggregate signature alone at the end of the epoch',
    code: 'BLOCK_BAD_END_OF_EPOCH',
    changes: {
      endOfEpoch: {
        nextEpochStartMs: 1,
        nextValidatorSet: undefined,
        stateHash: undefined,
        authorSignature: undefined,
        aggregateSignature: new Uint8Array(96),
        signers: Uint8Array.of(0b1111)
      }
    }
  }
]

describe('the block verifier', () => {
  const verifier = verifierOf()

  test('accepts every block of a valid chain, and gives back the very same blocks', async () => {
    const verified = await verifier.verify(blocks)
    assert.equal(verified.length, blocks.length)
    assert.ok(verified.every((block, index) => block === blocks[index]))
    assert.deepEqual(await verifier.verify([]), [])
  })

  test('accepts what is allowed: a quorum of parents and no more, genesis as an ancestor of a late one', async () => {
    const quorum = forgeBlock(chain, original, ancestors(own, second, third))
    const late = forgeBlock(chain, original, ancestors(own, second, third, genesisOf(fourth.author)))
    const lateSelf = forgeBlock(chain, original, ancestors(genesisOf(own.author), second, third, fourth))
    await verifier.verify([quorum, late, lateSelf, first])
  })

  for (const { rule, code, changes, signer } of broken) {
    test(`refuses ${rule}, and names the block`, async () => {
      const forged = forgeBlock(chain, original, changes, {
        signer: signer ?? Math.min(original.ref.author, 3)
      })
      const batch = [...blocks.slice(0, 5), forged, ...blocks.slice(5, 8)]
      await assert.rejects(verifier.verify(batch), (error) => {
        assert.ok(error instanceof VerifyError)
        assert.equal(error.code, code)
        assert.equal(error.block, forged.ref)
        return true
      })
    })
  }

  test('refuses a signature with one bit wrong', async () => {
    const forged = breakSignature(original)
    await assert.rejects(verifier.verify([first, forged]), { code: 'BLOCK_BAD_SIGNATURE', block: forged.ref })
  })

  test('refuses a block signed for another chain', async () => {
    const other = buildChain({ commits: 10, startTimeMs: 1 })
    const stranger = other.commits.flatMap(({ subDag }) => subDag.blocks).find(({ block }) => block.round > 3)
    assert.ok(stranger !== undefined && other.genesis.chainId !== chainId)
    assert.deepEqual(decodeCommittee(other.genesis.committee.bytes).validators, committee.validators, 'the same keys')
    await assert.rejects(verifier.verify([stranger]), { code: 'BLOCK_BAD_SIGNATURE' })
  })

  test('looks at no signature before the structure of every block is right', async () => {
    let asked = 0
    const counting = verifierOf({
      signatures: {
        async verify(checks) {
          asked += checks.length
          return checks.map(() => true)
        }
      }
    })
    const forged = forgeBlock(chain, original, { ancestors: [] })
    await assert.rejects(counting.verify([original, forged]), { code: 'BLOCK_NO_ANCESTORS' })
    assert.equal(asked, 0)
    await counting.verify([original, first])
    assert.equal(asked, 2)
  })

  test('waits for a committee that has to be looked up, once for all blocks of an epoch', async () => {
    const epochs: number[] = []
    const patient = verifierOf({
      getCommittee: async (epoch) => {
        epochs.push(epoch)
        return committee
      }
    })
    await patient.verify(blocks.slice(0, 20))
    assert.deepEqual(epochs, [0])
  })

  test('knows the genesis blocks of each epoch', async () => {
    const next = encodeCommittee({ epoch: 1, validators: committee.validators })
    const later = verifierOf({ getCommittee: (epoch) => (epoch === 0 ? committee : next) })
    const inEpoch = (epoch: number, of: number) => {
      const authors = [first.ref.author, ...[0, 1, 2, 3].filter((index) => index !== first.ref.author)]
      return forgeBlock(chain, first, {
        epoch,
        ancestors: authors.map((by) => ({ ...genesisBlockRef(chainId, of, by), epoch }))
      })
    }
    for (const epoch of [1, 2, 3, 4, 5, 6, 1]) {
      const committeeOf = { ...next, epoch }
      const verifier = verifierOf({ getCommittee: () => committeeOf })
      await verifier.verify([inEpoch(epoch, epoch)])
    }
    await later.verify([first, inEpoch(1, 1)])
    await assert.rejects(later.verify([first, inEpoch(1, 0)]), { code: 'BLOCK_FALSE_GENESIS_ANCESTOR' })
  })

  test('rejects with the reason of a signal', async () => {
    const reason = new Error('no longer wanted')
    await assert.rejects(verifier.verify(blocks, { signal: AbortSignal.abort(reason) }), reason)
    const controller = new AbortController()
    const pending = verifier.verify(blocks, { signal: controller.signal })
    setImmediate(() => controller.abort(reason))
    await assert.rejects(pending, reason)
  })

  test('passes a failure of the signature verifier on as it is: it says nothing about the blocks', async () => {
    const failure = new Error('no threads left')
    const failing = verifierOf({ signatures: { verify: () => Promise.reject(failure) } })
    await assert.rejects(failing.verify([first]), failure)
  })
})

test('the structure of a block is held against the committee of its own epoch only', () => {
  const digestOf = (author: number) => genesisOf(author).digest
  verifyBlockStructure(original, committee, digestOf)
  assert.throws(() => verifyBlockStructure(original, { ...committee, epoch: 1 }, digestOf), {
    code: 'BLOCK_UNKNOWN_EPOCH'
  })
})

describe('blocks that a quorum certified', () => {
  const broken = breakSignature(original)
  const invalid = { verify: async () => ({ index: 0, reason: 'worthless' }) }

  test('are verified like any other by default', async () => {
    await assert.rejects(verifierOf().verifyCertified([broken]), { code: 'BLOCK_BAD_SIGNATURE' })
    const verifier = verifierOf({ transactionVerifier: invalid })
    await assert.rejects(verifier.verifyCertified([original]), { code: 'BLOCK_BAD_TRANSACTION' })
  })

  test('in the mode of that name are taken with their signatures and transactions, and held to their structure', async () => {
    const verifier = verifierOf({ mode: 'certified', transactionVerifier: invalid })
    assert.deepEqual(await verifier.verifyCertified([original, broken]), [original, broken])
    const unparented = forgeBlock(chain, original, { ancestors: [] })
    await assert.rejects(verifier.verifyCertified([unparented]), { code: 'BLOCK_NO_ANCESTORS' })
    await assert.rejects(verifier.verify([broken]), { code: 'BLOCK_BAD_SIGNATURE' }, 'who certifies is verified whole')
    const reason = new Error('no longer wanted')
    await assert.rejects(verifier.verifyCertified([original], { signal: AbortSignal.abort(reason) }), reason)
  })
})

describe('the transactions of blocks', () => {
  test('are verified after the signatures, each block with the committee of its epoch', async () => {
    const seen: unknown[] = []
    const verifier = verifierOf({
      transactionVerifier: {
        async verify(transactions, of) {
          seen.push([transactions, of])
          return undefined
        }
      }
    })
    const { blocks: some } = commitAt(chain, 3).subDag
    await verifier.verify(some)
    assert.deepEqual(
      seen,
      some.map(({ block }) => [block.transactions, committee])
    )
    seen.length = 0
    await assert.rejects(verifier.verify([...some, breakSignature(original)]), { code: 'BLOCK_BAD_SIGNATURE' })
    assert.deepEqual(seen, [])
  })

  test('refused, refuse their block by name', async () => {
    const verifier = verifierOf({
      transactionVerifier: {
        verify: async (transactions) =>
          transactions === original.block.transactions ? { index: 1, reason: 'no such sender' } : undefined
      }
    })
    await assert.rejects(verifier.verify([first, original]), {
      code: 'BLOCK_BAD_TRANSACTION',
      block: original.ref,
      message: /transaction 1: no such sender/
    })
  })

  test('are verified for several blocks at a time, with the author of each', async () => {
    const both = Promise.withResolvers<void>()
    const authors: unknown[] = []
    const verifier = verifierOf({
      transactionVerifier: {
        async verify(_transactions, _committee, options) {
          authors.push(options?.author)
          if (authors.length === 2) both.resolve()
          await both.promise
          return undefined
        }
      }
    })
    await verifier.verify([first, original])
    assert.deepEqual(authors, [first.ref.author, original.ref.author])
  })

  test('refused in several blocks, refuse the first of them, whichever is found first, and end the work on the others', async () => {
    const later = Promise.withResolvers<void>()
    let others: AbortSignal | undefined
    const verifier = verifierOf({
      transactionVerifier: {
        async verify(transactions, _committee, options) {
          if (transactions === first.block.transactions) return undefined
          others = options?.signal
          if (transactions === original.block.transactions) await later.promise.then(() => nextTurn())
          else later.resolve()
          return { index: 0, reason: 'forged' }
        }
      }
    })
    const last = forgeBlock(chain, original, { timestampMs: 1 })
    await assert.rejects(verifier.verify([first, original, last]), {
      code: 'BLOCK_BAD_TRANSACTION',
      block: original.ref
    })
    assert.equal(others?.aborted, true)
  })

  test('that could not be verified are a failure of ours, passed on as it is', async () => {
    const failure = new Error('no threads left')
    const verifier = verifierOf({ transactionVerifier: { verify: () => Promise.reject(failure) } })
    await assert.rejects(verifier.verify([first, original]), failure)
  })

  test('are given up with the reason of the signal, whatever their verifier throws then', async () => {
    const reason = new Error('no longer wanted')
    const controller = new AbortController()
    const verifier = verifierOf({
      transactionVerifier: {
        verify(_transactions, _committee, options) {
          const { promise, reject } = Promise.withResolvers<undefined>()
          options?.signal?.addEventListener('abort', () => reject(new Error('told to end')))
          controller.abort(reason)
          return promise
        }
      }
    })
    await assert.rejects(verifier.verify([first, original], { signal: controller.signal }), reason)
  })

  test('are not asked for where a block has none', async () => {
    const verifier = verifierOf({
      transactionVerifier: { verify: () => assert.fail('asked about nothing') }
    })
    await verifier.verify([forgeBlock(chain, original, { transactions: [] })])
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Committee } from '../../src/consensus/committee.ts'
import type { EndOfEpochData } from '../../src/consensus/end-of-epoch.ts'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import { buildChain, commitAt, lastCommitOfEpoch } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { firstBlock, forgeBlock, replaceCommit, votesFor } from '../../src/testing/forge.ts'
import { forgeCommittee, forgeHandOver, forgeLastCommit, forgeNextCommit } from '../../src/testing/forge-epoch.ts'
import type { ScriptedCommit } from '../../src/testing/scripted-consensus.ts'
import type { ValidatorKeys } from '../../src/testing/validator-keys.ts'
import { verifyCertification } from '../../src/verify/certification.ts'
import { blockVerifierOf, verifyChain, verifyLinks } from './verify-chain.ts'

const chain = buildChain({ commits: 20, epochs: { commits: 5, validators: changingValidators({ sizes: [4] }) } })
const { genesis, committees } = chain
const END = lastCommitOfEpoch(chain, 1)
const { keys } = chain.consensus.epoch(1)
const usurpers = changingValidators({ seed: 9, sizes: [5] })
const next = forgeCommittee(chain, 2, usurpers(2))
const blockVerifier = blockVerifierOf(genesis.chainId, new Map(committees.entries()))

function keysOf(...indexes: number[]): ValidatorKeys[] {
  return indexes.flatMap((index) => keys[index] ?? [])
}

function certify({ subDag, certifiers }: ScriptedCommit, epoch: number) {
  const committee = committees[epoch] as Committee
  const blocks = certifiers.map(decodeSignedBlock)
  return verifyCertification({ commit: subDag.commit, certifiers: blocks, committee, blockVerifier })
}

/** What the verifier says of the block that hands over with this data. */
function verifyLeader(endOfEpoch: EndOfEpochData | undefined) {
  return blockVerifier.verify(forgeLastCommit(chain, 1, endOfEpoch).blocks.slice(-1))
}

describe('a forged hand-over', () => {
  test('that changes nothing is the real one', () => {
    const { subDag } = commitAt(chain, END)
    const whole = forgeHandOver(chain, 1, {})
    assert.deepEqual(whole, subDag.blocks.at(-1)?.block.endOfEpoch)
    assert.deepEqual(forgeLastCommit(chain, 1, whole), subDag)
  })

  test('is valid when the quorum itself lies, of whatever', async () => {
    await verifyLeader(forgeHandOver(chain, 1, { next }))
    await verifyLeader(forgeHandOver(chain, 1, { stateHash: new Uint8Array(32), startTimeMs: 1 }))
    await verifyLeader(forgeHandOver(chain, 1, { next, signedBy: keysOf(0, 1, 2), named: [0, 1, 2] }))
  })

  const old = chain.consensus.epoch(0).keys
  for (const [what, forgery, message] of [
    ['a minority', { next, signedBy: keysOf(0), named: [0] }, /of stake \d+, under/],
    ['a minority that claims to be a quorum', { next, signedBy: keysOf(0), named: [0, 1, 2] }, /false aggregate/],
    ['one for three', { next, signedBy: keysOf(0, 0, 0), named: [0, 1, 2] }, /false aggregate/],
    ['one, three times over', { next, signedBy: keysOf(0, 0, 0), named: [0] }, /of stake \d+, under/],
    ['keys of the old epoch', { next, signedBy: old.slice(0, 3), named: [0, 1, 2] }, /false aggregate/]
  ] as const) {
    test(`is refused when signed by ${what}, for its aggregate alone`, async () => {
      const data = forgeHandOver(chain, 1, forgery)
      await assert.rejects(verifyLeader(data), { code: 'BLOCK_BAD_END_OF_EPOCH', message })
      await verifyLeader({ ...data, aggregateSignature: undefined, signers: undefined })
    })
  }

  test('of a quorum over another hand-over, or that of another epoch, is refused', async () => {
    const { aggregateSignature, signers } = forgeHandOver(chain, 1, {})
    const moved = { ...forgeHandOver(chain, 1, { next }), aggregateSignature, signers }
    await assert.rejects(verifyLeader(moved), { code: 'BLOCK_BAD_END_OF_EPOCH', message: /false aggregate/ })
    await assert.rejects(verifyLeader(forgeHandOver(chain, 0, {})), { code: 'BLOCK_BAD_END_OF_EPOCH' })
  })

  test('needs an epoch that ends, with proof', () => {
    assert.throws(() => forgeHandOver(chain, 4, {}), RangeError)
    const unproven = buildChain({ commits: 2, epochs: { commits: 2, proofs: false } })
    assert.throws(() => forgeHandOver(unproven, 0, {}), RangeError)
  })
})

describe('a forged end of an epoch', () => {
  test('is certified by a quorum of the epoch that ends, the rest of the chain linked to it', async () => {
    const commits = replaceCommit(
      chain,
      END,
      forgeLastCommit(chain, 1, forgeHandOver(chain, 1, { stateHash: new Uint8Array(32) }))
    )
    const learned = await verifyChain(genesis, commits)
    assert.deepEqual([...learned.values()], committees)
  })

  test('can be none: the leader then says nothing of it', async () => {
    const { blocks } = forgeLastCommit(chain, 1, undefined)
    assert.equal(blocks.at(-1)?.block.endOfEpoch, undefined)
    await blockVerifier.verify(blocks)
  })
})

describe('a forged commit after the end of an epoch', () => {
  for (const [what, epoch] of [
    ['skips an epoch', 3],
    ['stays in the old one', 1],
    ['is of the next one', 2],
    ['goes back', 0]
  ] as const) {
    test(`that ${what} links to it, is certified or not, and is wrong in its epoch alone`, async () => {
      const forged = forgeNextCommit(chain, END, epoch)
      const { ref, commit } = commitAt(chain, END).subDag.commit
      const committee = committees[epoch]
      await blockVerifier.verify(forged.subDag.blocks)
      await certify(forged, epoch)
      verifyLinks([forged.subDag.commit], { ref, timestampMs: commit.timestampMs }, committee)
      assert.equal(forged.subDag.commit.commit.epoch, epoch)
      await assert.rejects(certify(forgeNextCommit(chain, END, epoch, [0]), epoch), {
        code: 'CERTIFIERS_WITHOUT_QUORUM'
      })
      assert.deepEqual(forgeNextCommit(chain, END, epoch, []).certifiers, [])
    })
  }

  test('can be the first of a chain', () => {
    const { commit } = forgeNextCommit(chain, 0, 1).subDag.commit
    assert.deepEqual([commit.index, commit.previousDigest], [1, genesis.chainId])
  })

  test('that old certifiers vote for is not certified in the new epoch', async () => {
    const commit = commitAt(chain, END + 1)
    const { ref } = commit.subDag.commit
    const votes = votesFor(chain, ref, undefined, { epoch: 1 }).map(({ bytes }) => bytes)
    await assert.rejects(certify({ ...commit, certifiers: votes }, 2), { code: 'CERTIFIER_WRONG_EPOCH' })
  })
})

test('blocks of a later epoch are forged with the keys of its validators', async () => {
  const block = firstBlock(chain, 3, 2, { transactions: [Uint8Array.of(1)] })
  await blockVerifier.verify([block, forgeBlock(chain, block, { transactions: [] })])
  await assert.rejects(blockVerifier.verify([forgeBlock(chain, block, {}, { signer: 0 })]), {
    code: 'BLOCK_BAD_SIGNATURE'
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeSignedBlock } from '../../src/consensus/signed-block.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { buildChain, type Chain, commitAt, lastCommitOfEpoch } from '../../src/testing/chain-builder.ts'
import { changingValidators } from '../../src/testing/changing-validators.ts'
import { type Usurpation, usurpChain } from '../../src/testing/usurp-chain.ts'
import { verifyCertification } from '../../src/verify/certification.ts'
import { blockVerifierOf, verifyChain, verifyLinks } from './verify-chain.ts'

const chain = buildChain({ commits: 18, epochs: { commits: 4, validators: changingValidators({ sizes: [4] }) } })
const END = lastCommitOfEpoch(chain, 1)
const usurpers: Usurpation = { epoch: 1, validators: changingValidators({ seed: 9, sizes: [5] }) }
const { keys } = chain.consensus.epoch(1)
const minority = { ...usurpers, handOver: { signedBy: keys.slice(0, 1), named: [0, 1, 2] }, certifiedBy: [0] }

function verifierOf({ genesis, committees }: Chain) {
  return blockVerifierOf(genesis.chainId, new Map(committees.entries()))
}

test('a chain that its quorum gives away is valid throughout, and another from there on', async () => {
  const usurped = usurpChain(chain, usurpers)
  const learned = await verifyChain(chain.genesis, usurped.commits)
  assert.deepEqual([...learned.values()], usurped.committees)
  const digests = [chain, usurped].map(({ commits }) => commits.map(({ subDag }) => toHex(subDag.commit.ref.digest)))
  assert.equal(
    digests[0]?.findIndex((digest, at) => digest !== digests[1]?.[at]),
    END - 1
  )
  assert.deepEqual(
    usurped.committees.map(({ validators }) => validators.length),
    [4, 4, 5, 5, 5]
  )
})

test('one that a minority takes goes on by its own rules, and lacks nothing but the quorum', async () => {
  const usurped = usurpChain(chain, minority)
  const blockVerifier = verifierOf(usurped)
  const { commit, blocks } = commitAt(usurped, END).subDag
  await blockVerifier.verify(blocks.slice(0, -1))
  const refusal = { code: 'BLOCK_BAD_END_OF_EPOCH', message: /false aggregate/ }
  await assert.rejects(blockVerifier.verify(blocks.slice(-1)), refusal)

  const [, committee, next] = usurped.committees
  assert.ok(committee !== undefined)
  const certifiers = commitAt(usurped, END).certifiers.map(decodeSignedBlock)
  const check = { commit, certifiers, committee, blockVerifier }
  await assert.rejects(verifyCertification(check), { code: 'CERTIFIERS_WITHOUT_QUORUM' })

  const theirs = usurped.commits.slice(END, END + 4)
  const commits = theirs.map(({ subDag }) => subDag.commit)
  verifyLinks(commits, { ref: commit.ref, timestampMs: commit.commit.timestampMs }, next)
  for (const { subDag } of theirs) await blockVerifier.verify(subDag.blocks)
})

test('one that ends elsewhere, or nowhere, cannot be taken', () => {
  assert.throws(() => usurpChain(chain, { ...usurpers, epoch: 4 }), RangeError)
  assert.throws(() => usurpChain(buildChain({ commits: 3 }), usurpers), RangeError)
  const unproven = buildChain({ commits: 8, epochs: { commits: 4, proofs: false } })
  assert.throws(() => usurpChain(unproven, usurpers), RangeError)
})

test('the validators up to there are those of the chain, where it does not say who they are', async () => {
  const same = buildChain({ commits: 8, validators: [5, 2, 2, 1], epochs: { commits: 4 } })
  const usurped = usurpChain(same, usurpers)
  assert.deepEqual(usurped.committees.slice(0, 2), same.committees.slice(0, 2))
  assert.notDeepEqual(usurped.committees[2]?.digest, same.committees[2]?.digest)
})

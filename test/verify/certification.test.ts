import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeCommittee, encodeCommittee } from '../../src/consensus/committee.ts'
import {
  decodeSignedBlock,
  type SignedBlock,
  trustBlock,
  type VerifiedBlock
} from '../../src/consensus/signed-block.ts'
import { buildChain, commitAt } from '../../src/testing/chain-builder.ts'
import { breakSignature, forgeBlock, forgeCommit, votesFor } from '../../src/testing/forge.ts'
import { createBlockVerifier } from '../../src/verify/block-verifier.ts'
import {
  type CertificationCheck,
  type CertifiedPrefixCheck,
  certifiedPrefix,
  verifyCertification
} from '../../src/verify/certification.ts'
import { createMainThreadVerifier } from '../../src/verify/main-thread-verifier.ts'

const chain = buildChain({ commits: 12 })
const { chainId, committee } = chain.genesis
const getCommittee = (epoch: number) => (epoch === 0 ? committee : undefined)
const blockVerifier = createBlockVerifier({ chainId, getCommittee, signatures: createMainThreadVerifier() })
const { subDag, certifiers: certifierBytes } = commitAt(chain, 10)
const { commit } = subDag
const certifiers = certifierBytes.map(decodeSignedBlock)
const votes = votesFor(chain, commit.ref) as [VerifiedBlock, VerifiedBlock, VerifiedBlock, VerifiedBlock]
const someDigest = new Uint8Array(32).fill(9)

function certify(changes: Partial<CertificationCheck> = {}): Promise<VerifiedBlock[]> {
  return verifyCertification({ commit, certifiers, committee, blockVerifier, ...changes })
}

/** Votes with one of them changed. */
function withVote(changed: SignedBlock): SignedBlock[] {
  return votes.map((vote) => (vote.ref.author === changed.ref.author ? changed : vote))
}

describe('certification', () => {
  test('holds with the blocks that came with the commit, with everybody, and with a bare quorum', async () => {
    assert.deepEqual(await certify(), certifiers)
    assert.equal((await certify({ certifiers: votes })).length, 4)
    assert.equal((await certify({ certifiers: votes.slice(1) })).length, 3)
  })

  test('holds with a block that votes for several commits', async () => {
    const busy = forgeBlock(chain, votes[0], { commitVotes: [{ index: 9, digest: someDigest }, commit.ref] })
    await certify({ certifiers: withVote(busy) })
  })

  test('holds with the vote of one who contradicts itself: whoever serves that block is not at fault', async () => {
    const torn = forgeBlock(chain, votes[0], { commitVotes: [{ index: 10, digest: someDigest }, commit.ref] })
    await certify({ certifiers: withVote(torn).slice(0, 3) })
  })

  test('fails with no blocks, and with too little stake', async () => {
    await assert.rejects(certify({ certifiers: [] }), { code: 'CERTIFIERS_WITHOUT_QUORUM' })
    await assert.rejects(certify({ certifiers: votes.slice(2) }), { code: 'CERTIFIERS_WITHOUT_QUORUM' })
  })

  test('counts stake, not heads', async () => {
    const uneven = buildChain({ commits: 3, validators: [1, 1, 1, 1, 8] })
    const { genesis } = uneven
    const rich = genesis.committee.validators.findIndex(({ votingPower }) => votingPower > 5_000)
    const { subDag: last } = commitAt(uneven, 3)
    const everyone = votesFor(uneven, last.commit.ref)
    const verifier = createBlockVerifier({
      chainId: genesis.chainId,
      signatures: createMainThreadVerifier(),
      getCommittee: () => genesis.committee
    })
    const check = { commit: last.commit, committee: genesis.committee, blockVerifier: verifier }
    const poor = everyone.filter(({ ref }) => ref.author !== rich)
    await assert.rejects(verifyCertification({ ...check, certifiers: poor }), { code: 'CERTIFIERS_WITHOUT_QUORUM' })
    const some = everyone.filter(({ ref }) => ref.author === rich || ref === poor[0]?.ref)
    await verifyCertification({ ...check, certifiers: some })
  })

  test('fails with a vote for another digest of the same index', async () => {
    const other = forgeBlock(chain, votes[0], { commitVotes: [{ index: 10, digest: someDigest }] })
    await assert.rejects(certify({ certifiers: withVote(other) }), { code: 'CERTIFIER_NO_VOTE', block: other.ref })
    const forked = forgeCommit(commit, { timestampMs: commit.commit.timestampMs + 1 })
    await assert.rejects(certify({ commit: forked }), { code: 'CERTIFIER_NO_VOTE' })
  })

  test('fails with a vote for that digest at another index', async () => {
    const other = forgeBlock(chain, votes[0], { commitVotes: [{ index: 11, digest: commit.ref.digest }] })
    await assert.rejects(certify({ certifiers: withVote(other) }), { code: 'CERTIFIER_NO_VOTE' })
  })

  test('fails with a block without votes', async () => {
    const silent = forgeBlock(chain, votes[0], { commitVotes: [] })
    await assert.rejects(certify({ certifiers: withVote(silent) }), { code: 'CERTIFIER_NO_VOTE' })
  })

  test('fails with two blocks by one author, the same or different ones', async () => {
    const [one, two, three] = votes
    const twin = forgeBlock(chain, one, { timestampMs: one.block.timestampMs + 1 })
    const duplicate = { code: 'CERTIFIER_DUPLICATE_AUTHOR' }
    await assert.rejects(certify({ certifiers: [one, two, three, one] }), duplicate)
    await assert.rejects(certify({ certifiers: [one, two, three, twin] }), { ...duplicate, block: twin.ref })
    await assert.rejects(certify({ certifiers: [one, two, twin] }), duplicate)
  })

  test('fails with a block of another epoch', async () => {
    const later = forgeBlock(chain, votes[0], { epoch: 1 })
    await assert.rejects(certify({ certifiers: withVote(later) }), { code: 'CERTIFIER_WRONG_EPOCH', block: later.ref })
  })

  test('fails with more blocks than there are validators', async () => {
    await assert.rejects(certify({ certifiers: [...votes, votes[0]] }), { code: 'CERTIFIERS_TOO_MANY' })
  })

  test('fails for a commit of another epoch than the committee, though a quorum of it votes', async () => {
    const later = forgeCommit(commit, { epoch: 1 })
    const check = { commit: later, certifiers: votesFor(chain, later.ref) }
    await assert.rejects(certify(check), { code: 'COMMITS_WRONG_EPOCH' })
    const { validators } = decodeCommittee(committee.bytes)
    const next = encodeCommittee({ epoch: 1, validators })
    await assert.rejects(certify({ ...check, committee: next }), { code: 'CERTIFIER_WRONG_EPOCH' })
  })

  test('fails with a block that the block verifier refuses, be there a quorum without it', async () => {
    const forged = breakSignature(votes[3])
    await assert.rejects(certify({ certifiers: withVote(forged) }), { code: 'BLOCK_BAD_SIGNATURE', block: forged.ref })
    const lonely = forgeBlock(chain, votes[0], { ancestors: votes[0].block.ancestors.slice(0, 1) })
    await assert.rejects(certify({ certifiers: withVote(lonely) }), { code: 'BLOCK_PARENTS_WITHOUT_QUORUM' })
    const nobody = forgeBlock(chain, votes[0], { author: 7 }, { signer: 0 })
    const three = [nobody, ...votes.slice(1)]
    await assert.rejects(certify({ certifiers: three }), { code: 'BLOCK_AUTHOR_OUT_OF_RANGE' })
  })

  test('rejects with the reason of a signal', async () => {
    const reason = new Error('no longer wanted')
    await assert.rejects(certify({ signal: AbortSignal.abort(reason) }), reason)
  })
})

describe('the certified prefix of a range', () => {
  const commits = chain.commits.slice(4, 10).map(({ subDag: { commit } }) => commit) // 5 to 10
  const voting = (index: number, ...authors: number[]) =>
    votesFor(chain, commitAt(chain, index).subDag.commit.ref, authors)

  async function prefix(blocks: readonly SignedBlock[], changes: Partial<CertifiedPrefixCheck> = {}) {
    const found = await certifiedPrefix({ commits, certifiers: blocks, committee, blockVerifier, ...changes })
    return found && { upTo: found.commits.at(-1)?.ref.index, from: found.commits[0]?.ref.index, ...found }
  }

  test('is the whole range when its last commit is certified', async () => {
    const found = await prefix(certifiers)
    assert.equal(found?.upTo, 10)
    assert.deepEqual(found.certifiers, certifiers)
    assert.deepEqual(found.commits, commits)
  })

  test('ends with the last commit that a quorum votes for', async () => {
    const found = await prefix([...voting(7, 0, 1, 2), ...voting(9, 3)])
    assert.deepEqual([found?.from, found?.upTo], [5, 7])
    assert.deepEqual(
      found?.certifiers.map(({ ref }) => ref.author),
      [0, 1, 2]
    )
  })

  test('is the longer of two', async () => {
    const both = [5, 8].map((index) => commitAt(chain, index).subDag.commit.ref)
    const blocks = votes.map((vote) => forgeBlock(chain, vote, { commitVotes: both }))
    assert.equal((await prefix(blocks))?.upTo, 8)
  })

  test('does not count an invalid block, nor a second one by an author, nor a vote for another digest', async () => {
    const [one, two, three] = voting(8, 0, 1, 2) as [VerifiedBlock, VerifiedBlock, VerifiedBlock]
    assert.equal(await prefix([one, two, breakSignature(three)]), undefined)
    const twin = forgeBlock(chain, two, { timestampMs: two.block.timestampMs + 1 })
    assert.equal(await prefix([one, two, twin]), undefined)
    const other = forgeBlock(chain, three, { commitVotes: [{ index: 8, digest: someDigest }] })
    assert.equal(await prefix([one, two, other]), undefined)
    assert.equal((await prefix([one, two, three]))?.upTo, 8)
  })

  test('is found although some blocks are invalid, of another epoch or beside the point', async () => {
    const [one, two, three] = voting(6, 0, 1, 2) as [VerifiedBlock, VerifiedBlock, VerifiedBlock]
    const liar = breakSignature(voting(10, 3)[0] as VerifiedBlock)
    const found = await prefix([liar, one, two, three])
    assert.equal(found?.upTo, 6)
    assert.deepEqual(found.certifiers, [one, two, three])
    const later = forgeBlock(chain, votes[3], { epoch: 1 })
    assert.equal((await prefix([later, one, two, three]))?.upTo, 6)
  })

  test('does not count a vote from the next epoch, whose committee is another', async () => {
    const later = forgeBlock(chain, votes[0], { epoch: 1, commitVotes: [commitAt(chain, 6).subDag.commit.ref] })
    const trusting = { verify: async (blocks: readonly SignedBlock[]) => blocks.map(trustBlock) }
    const blocks = [later, ...voting(6, 1, 2)]
    assert.equal(await prefix(blocks, { blockVerifier: trusting }), undefined)
  })

  test('is none for votes outside the range, for no blocks and for no commits', async () => {
    assert.equal(await prefix(voting(4, 0, 1, 2, 3)), undefined)
    assert.equal(await prefix([]), undefined)
    assert.equal(await prefix(votes, { commits: [] }), undefined)
  })

  test('costs no signature when the votes could not suffice even if all were valid', async () => {
    const verifier = { verify: () => assert.fail('verified in vain') }
    assert.equal(await prefix(voting(8, 0, 1), { blockVerifier: verifier }), undefined)
  })

  test('is refused to more blocks than validators, and to commits of another epoch', async () => {
    await assert.rejects(prefix([...votes, votes[0]]), { code: 'CERTIFIERS_TOO_MANY' })
    const later = [forgeCommit(commit, { epoch: 1 })]
    await assert.rejects(prefix(votes, { commits: later }), { code: 'COMMITS_WRONG_EPOCH' })
  })

  test('rejects with the reason of a signal, and with a failure that is not about blocks', async () => {
    const reason = new Error('no longer wanted')
    await assert.rejects(prefix(votes, { signal: AbortSignal.abort(reason) }), reason)
    const verifier = { verify: () => Promise.reject(reason) }
    await assert.rejects(prefix(votes, { blockVerifier: verifier }), reason)
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Commit, commitMessage, decodeCommit, encodeCommit, trustCommit } from '../../src/consensus/commit.ts'
import { subDagBytes } from '../../src/consensus/committed-sub-dag.ts'
import { digestOf } from '../../src/consensus/digest.ts'
import { MAX_COMMIT_BLOCKS, MAX_COMMIT_BYTES } from '../../src/consensus/limits.ts'
import { decodeSignedBlock, trustBlock } from '../../src/consensus/signed-block.ts'

const digest = new Uint8Array(32).fill(3)
const leader = { epoch: 2, round: 5, author: 1, digest }
const commit: Commit = { index: 8, previousDigest: digest, timestampMs: 99, leader, blocks: [leader], epoch: 2 }

describe('decodeCommit', () => {
  it('reads a commit and digests it as received', () => {
    const bytes = commitMessage.encode(commit)
    const decoded = decodeCommit(bytes)
    assert.deepEqual(decoded, { commit, bytes, ref: { index: 8, digest: digestOf('commit', bytes) } })
    assert.deepEqual(encodeCommit(commit), decoded)
  })

  it('takes the largest commit that the limits allow', () => {
    const most = 2 ** 32 - 1
    const ref = { epoch: Number.MAX_SAFE_INTEGER, round: most, author: most, digest }
    const largest = encodeCommit({
      index: Number.MAX_SAFE_INTEGER,
      previousDigest: digest,
      timestampMs: Number.MAX_SAFE_INTEGER,
      leader: ref,
      blocks: new Array(MAX_COMMIT_BLOCKS).fill(ref),
      epoch: Number.MAX_SAFE_INTEGER
    })
    assert.ok(largest.bytes.byteLength <= MAX_COMMIT_BYTES)
    const oneMore = Buffer.concat([largest.bytes, Uint8Array.of(0x2a, 34, 0x22, 32), digest])
    assert.throws(() => decodeCommit(oneMore), { code: 'COMMIT_MALFORMED', message: /more than 10000/ })
  })

  it('refuses a commit over its length', () => {
    assert.throws(() => decodeCommit(new Uint8Array(MAX_COMMIT_BYTES + 1)), { code: 'COMMIT_TOO_LARGE' })
  })

  it('refuses what does not decode', () => {
    const bytes = commitMessage.encode(commit)
    assert.throws(() => decodeCommit(bytes.subarray(0, -1)), { code: 'COMMIT_MALFORMED' })
    assert.throws(() => decodeCommit(new Uint8Array(0)), { code: 'COMMIT_MALFORMED', message: /previousDigest/ })
  })
})

describe('subDagBytes', () => {
  it('counts the commit and its blocks', () => {
    const block = trustBlock(
      decodeSignedBlock(new Uint8Array(Buffer.concat([new Uint8Array(64), Uint8Array.of(8, 1)])))
    )
    const encoded = encodeCommit(commit)
    const subDag = { commit: trustCommit(encoded), blocks: [block, block] }
    assert.equal(subDagBytes(subDag), encoded.bytes.byteLength + 2 * 66)
  })
})

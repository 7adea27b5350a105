import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Block, blockMessage } from '../../src/consensus/block.ts'
import { digestOf } from '../../src/consensus/digest.ts'
import { MAX_BLOCK_BYTES } from '../../src/consensus/limits.ts'
import { blockPayload, blockSignature, decodeSignedBlock } from '../../src/consensus/signed-block.ts'

const digest = new Uint8Array(32).fill(5)
const block: Block = {
  epoch: 1,
  round: 9,
  author: 2,
  timestampMs: 1_700_000_000_000,
  ancestors: [{ epoch: 1, round: 8, author: 2, digest }],
  transactions: [Uint8Array.of(1, 2, 3), new Uint8Array(0)],
  commitVotes: [{ index: 4, digest }],
  endOfEpoch: undefined
}
const signature = new Uint8Array(64).fill(7)

function signed(payload: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([signature, payload]))
}

describe('decodeSignedBlock', () => {
  it('reads signature and block, and digests both as received', () => {
    const bytes = signed(blockMessage.encode(block))
    const decoded = decodeSignedBlock(bytes)
    assert.deepEqual(decoded.block, block)
    assert.deepEqual(decoded.ref, { epoch: 1, round: 9, author: 2, digest: digestOf('block', bytes) })
    assert.deepEqual(blockSignature(decoded.bytes), signature)
    assert.deepEqual(blockPayload(decoded.bytes), blockMessage.encode(block))
  })

  it('gives another digest for another signature or encoding of the same block', () => {
    const payload = blockMessage.encode(block)
    const otherSignature = signed(payload)
    otherSignature[0] = 0
    const withUnknownField = signed(Buffer.concat([payload, Uint8Array.of(0xe0, 1, 0)]))
    const digests = [signed(payload), otherSignature, withUnknownField].map((bytes) => decodeSignedBlock(bytes))
    assert.equal(new Set(digests.map(({ ref }) => Buffer.from(ref.digest).toString('hex'))).size, 3)
    assert.deepEqual(digests[2]?.block, block)
  })

  it('refuses a block over 2 MiB, and takes one of exactly that', () => {
    const padding = MAX_BLOCK_BYTES - signed(blockMessage.encode({ ...block, transactions: [] })).byteLength - 4
    const largest = signed(blockMessage.encode({ ...block, transactions: [new Uint8Array(padding)] }))
    assert.equal(largest.byteLength, MAX_BLOCK_BYTES)
    decodeSignedBlock(largest)
    assert.throws(() => decodeSignedBlock(Buffer.concat([largest, Uint8Array.of(0)])), { code: 'BLOCK_TOO_LARGE' })
  })

  it('refuses a block without content, and one that does not decode', () => {
    assert.throws(() => decodeSignedBlock(new Uint8Array(0)), { code: 'BLOCK_MALFORMED' })
    assert.throws(() => decodeSignedBlock(signature), { code: 'BLOCK_MALFORMED' })
    assert.throws(() => decodeSignedBlock(signed(Uint8Array.of(0xff))), { code: 'BLOCK_MALFORMED' })
    const cut = signed(blockMessage.encode(block)).subarray(0, -1)
    assert.throws(() => decodeSignedBlock(cut), { code: 'BLOCK_MALFORMED' })
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type BlockRef,
  blockRefKey,
  blockRefsEqual,
  formatBlockRef,
  genesisBlockRef
} from '../../src/consensus/block-ref.ts'
import { commitRefsEqual } from '../../src/consensus/commit-ref.ts'
import { digestOf } from '../../src/consensus/digest.ts'

const digest = new Uint8Array(32).fill(0xab)
const other = new Uint8Array(32).fill(0xac)
const ref: BlockRef = { epoch: 1, round: 2, author: 3, digest }

describe('block references', () => {
  it('are equal when every part is', () => {
    assert.ok(blockRefsEqual(ref, { ...ref, digest: Uint8Array.from(digest) }))
    for (const change of [{ epoch: 0 }, { round: 0 }, { author: 0 }, { digest: other }]) {
      assert.ok(!blockRefsEqual(ref, { ...ref, ...change }), JSON.stringify(change))
    }
  })

  it('have keys as different as they are', () => {
    const refs = [ref, { ...ref, epoch: 12 }, { ...ref, round: 23 }, { ...ref, author: 0 }, { ...ref, digest: other }]
    assert.equal(new Set(refs.map(blockRefKey)).size, refs.length)
    assert.equal(blockRefKey(ref), blockRefKey({ ...ref, digest: Uint8Array.from(digest) }))
    assert.notEqual(blockRefKey({ ...ref, epoch: 1, round: 23 }), blockRefKey({ ...ref, epoch: 12, round: 3 }))
  })

  it('have a short form for people', () => {
    assert.equal(formatBlockRef(ref), 'B3@2(abababab)')
  })

  it('stand for genesis blocks, of which each chain, epoch and author has its own', () => {
    const chain = new Uint8Array(32).fill(9)
    const genesis = genesisBlockRef(chain, 258, 3)
    assert.deepEqual(genesis, {
      epoch: 258,
      round: 0,
      author: 3,
      digest: digestOf('genesis-block', chain, Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3))
    })
    const all = [
      genesis,
      genesisBlockRef(digest, 258, 3),
      genesisBlockRef(chain, 259, 3),
      genesisBlockRef(chain, 258, 4)
    ]
    assert.equal(new Set(all.map((one) => Buffer.from(one.digest).toString('hex'))).size, 4)
    assert.equal(genesisBlockRef(chain, Number.MAX_SAFE_INTEGER, 999).round, 0)
  })
})

describe('commit references', () => {
  it('are equal when index and digest are', () => {
    const commit = { index: 5, digest }
    assert.ok(commitRefsEqual(commit, { index: 5, digest: Uint8Array.from(digest) }))
    assert.ok(!commitRefsEqual(commit, { index: 6, digest }))
    assert.ok(!commitRefsEqual(commit, { index: 5, digest: other }))
  })
})

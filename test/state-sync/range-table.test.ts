import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { trustBlock } from '../../src/consensus/signed-block.ts'
import { Range, type RangeState } from '../../src/state-sync/range.ts'
import { RangeTable } from '../../src/state-sync/range-table.ts'
import { buildChain, commitAt } from '../../src/testing/index.ts'
import { randomPeer } from './random-peer.ts'

const chain = buildChain({ commits: 60 })
const LIMITS = { commitsPerRange: 10, maxRanges: 4, ceiling: Number.POSITIVE_INFINITY }

function certify(range: Range, end = range.end): void {
  const commits = []
  for (let index = range.start; index <= end; index++) commits.push(commitAt(chain, index).subDag.commit)
  range.certify({ commits, certifiers: [] })
}

function fill(range: Range, from = range.start, to = range.end): void {
  for (let index = from; index <= to; index++) range.addBlocks(commitAt(chain, index).subDag.blocks.map(trustBlock))
}

const spans = (table: RangeTable) => table.ranges.map(({ start, end }) => [start, end])

describe('RangeTable', () => {
  it('plans consecutive, disjoint ranges above what is stored, within its limits', () => {
    const table = new RangeTable()
    while (table.plan(5, 1_000, LIMITS) !== undefined);
    assert.deepEqual(spans(table), [
      [6, 15],
      [16, 25],
      [26, 35],
      [36, 45]
    ])
  })

  it('never plans beyond what is claimed, nor beyond the lead of the executor', () => {
    const table = new RangeTable()
    assert.equal(table.plan(5, 5, LIMITS), undefined)
    table.plan(5, 8, LIMITS)
    assert.deepEqual(spans(table), [[6, 8]])
    assert.equal(table.plan(5, 1_000, { ...LIMITS, ceiling: 8 }), undefined)
  })

  it('fills the gap that a peer left by serving less than was asked', async () => {
    const table = new RangeTable()
    const first = table.plan(0, 40, LIMITS)
    table.plan(0, 40, LIMITS)
    assert.ok(first)
    first.ask(await randomPeer(), 0)
    certify(first, 4)
    assert.deepEqual(spans(table), [
      [1, 4],
      [11, 20]
    ])
    table.plan(0, 40, LIMITS)
    assert.deepEqual(spans(table), [
      [1, 4],
      [5, 10],
      [11, 20]
    ])
  })

  it('gives commits in order only, as soon as all their blocks are there', async () => {
    const table = new RangeTable()
    const first = table.plan(0, 20, LIMITS)
    const second = table.plan(0, 20, LIMITS)
    assert.ok(first && second)
    for (const range of [first, second]) {
      range.ask(await randomPeer(), 0)
      certify(range)
    }
    fill(second)
    assert.equal(table.take(1, 100, 1e9).commits.length, 0)
    fill(first, 1, 3)
    assert.deepEqual(
      table.take(1, 100, 1e9).commits.map(({ commit }) => commit.ref.index),
      [1, 2, 3]
    )
    fill(first, 4, 10)
    const rest = table.take(4, 100, 1e9).commits.map(({ commit }) => commit.ref.index)
    assert.deepEqual(rest, [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
    assert.equal(table.size, 0)
  })

  it('takes at least one commit and not many more bytes than wanted', async () => {
    const table = new RangeTable()
    const range = table.plan(0, 10, LIMITS)
    assert.ok(range)
    range.ask(await randomPeer(), 0)
    range.hold(1e6)
    certify(range)
    fill(range)
    assert.equal(table.take(1, 100, 1).commits.length, 1)
    assert.equal(table.take(2, 3, 1e9).commits.length, 3)
  })

  it('leaves out commits that local consensus has stored in the meantime, and gives their bytes back', async () => {
    const table = new RangeTable()
    const range = table.plan(0, 10, LIMITS)
    assert.ok(range)
    range.ask(await randomPeer(), 0)
    range.hold(100_000)
    certify(range)
    fill(range)
    const { commits, skippedBytes } = table.take(6, 100, 1e9)
    assert.deepEqual(
      commits.map(({ commit }) => commit.ref.index),
      [6, 7, 8, 9, 10]
    )
    assert.ok(skippedBytes > 0)
    assert.equal(
      commits.reduce((sum, { budgetBytes }) => sum + budgetBytes, skippedBytes),
      100_000
    )
  })
})

describe('a range that local consensus has overtaken', () => {
  it('makes way for those above it, though its own blocks never come, and gives its bytes back', async () => {
    const table = new RangeTable()
    const stale = table.plan(0, 40, LIMITS)
    const ready = table.plan(0, 40, LIMITS)
    assert.ok(stale && ready)
    stale.ask(await randomPeer(), 0)
    stale.hold(50_000)
    certify(stale)
    fill(stale, 1, 3)
    ready.ask(await randomPeer(), 0)
    certify(ready)
    fill(ready)
    const { commits, skippedBytes } = table.take(11, 100, 1e9) // 1 to 10 were handed in
    assert.equal(commits.length, 10)
    assert.equal(skippedBytes, 50_000)
    // its attempt is still under way
    assert.equal(stale.addBlocks(commitAt(chain, 4).subDag.blocks.map(trustBlock)), 0)
  })

  it('keeps nothing of what is certified afterwards', () => {
    const late = new Range(1, 3)
    late.hold(100)
    assert.equal(late.abandon(), 100)
    const commits = [1, 2, 3].map((index) => commitAt(chain, index).subDag.commit)
    assert.equal(late.certify({ commits, certifiers: [] }), 0)
    assert.equal(late.addBlocks(commitAt(chain, 1).subDag.blocks.map(trustBlock)), 0)
    assert.equal(late.abandon(), 0)
  })
})

describe('Range', () => {
  it('keeps what was certified and verified when a peer fails', async () => {
    const table = new RangeTable()
    const range = table.plan(0, 10, LIMITS)
    assert.ok(range)
    range.ask(await randomPeer(), 0)
    assert.equal(range.state.name, 'asked')
    certify(range)
    assert.equal(range.state.name, 'verifying')
    fill(range, 1, 5)
    range.fail(new Error('torn'), 0)
    assert.deepEqual(table.askable, [range])
    assert.equal(table.take(1, 100, 1e9).commits.length, 5)
    range.ask(await randomPeer(), 1)
    const { name }: RangeState = range.state
    assert.equal(name, 'verifying')
    assert.equal(range.isWhole, false)
    assert.deepEqual(
      range.remaining?.commits.map(({ ref }) => ref.index),
      [6, 7, 8, 9, 10]
    )
    fill(range, 6, 10)
    assert.equal(range.isWhole, true)
    assert.equal(table.take(6, 100, 1e9).commits.length, 5)
  })

  it('keeps once what two peers bring, and nothing that was taken already', () => {
    const range = new Range(1, 2)
    certify(range)
    const blocksOf = (index: number) => commitAt(chain, index).subDag.blocks.map(trustBlock)
    const bytesOf = (index: number) => blocksOf(index).reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
    assert.equal(range.addBlocks(blocksOf(1)), bytesOf(1))
    assert.equal(range.addBlocks(blocksOf(1)), 0)
    assert.equal(range.missingBlocks, blocksOf(2).length)
    assert.ok(range.take())
    assert.equal(range.addBlocks([...blocksOf(1), ...blocksOf(2), ...blocksOf(3)]), bytesOf(2))
    assert.equal(range.isWhole, true)
    const other = [commitAt(chain, 1).subDag.commit]
    assert.equal(range.certify({ commits: other, certifiers: [] }), 0, 'what was certified first holds')
    assert.equal(range.end, 2)
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BlockRef } from '../../src/consensus/block-ref.ts'
import { BlockRefMap } from '../../src/consensus/block-ref-map.ts'
import type { VerifiedBlock } from '../../src/consensus/signed-block.ts'
import { buildChain, commitAt } from '../../src/testing/chain-builder.ts'
import { forgeBlock, forgeSubDag } from '../../src/testing/forge.ts'
import { assembleSubDag } from '../../src/verify/assembly.ts'

const chain = buildChain({ commits: 10 })
const before = commitAt(chain, 8).subDag
const { commit, blocks } = commitAt(chain, 9).subDag

function byRef(all: readonly VerifiedBlock[]): BlockRefMap<VerifiedBlock> {
  return new BlockRefMap(all.map((block) => [block.ref, block]))
}

function timestampsOf(all: readonly VerifiedBlock[]): (ref: BlockRef) => number | undefined {
  const known = byRef(all)
  return (ref) => known.get(ref)?.block.timestampMs
}

describe('assembly', () => {
  test('puts the blocks into commit order, whatever order they came in, and leaves out what is not its own', () => {
    const mixed = byRef([...blocks.toReversed(), ...before.blocks])
    const subDag = assembleSubDag(commit, mixed, timestampsOf(before.blocks))
    assert.equal(subDag.commit, commit)
    assert.deepEqual(subDag.blocks, blocks)
  })

  test('names a block that is missing', () => {
    for (const missing of blocks) {
      const others = byRef(blocks.filter((block) => block !== missing))
      assert.throws(() => assembleSubDag(commit, others), { code: 'ASSEMBLY_BLOCK_MISSING', block: missing.ref })
    }
  })

  test('refuses a block older than an ancestor in the same commit', () => {
    const [parent] = blocks
    assert.ok(parent !== undefined)
    const child = (timestampMs: number) =>
      forgeBlock(chain, parent, { round: parent.block.round + 1, ancestors: [parent.ref], timestampMs })
    const assembleWith = (block: VerifiedBlock) => {
      const { commit: small } = forgeSubDag(before.commit.ref, [parent, block])
      return assembleSubDag(small, byRef([parent, block]))
    }
    assert.equal(assembleWith(child(parent.block.timestampMs)).blocks.length, 2)
    const older = child(parent.block.timestampMs - 1)
    assert.throws(() => assembleWith(older), { code: 'ASSEMBLY_TIMESTAMP_REGRESSED', block: older.ref })
  })

  test('refuses a block older than an ancestor of an earlier commit, where that is at hand', () => {
    const known = timestampsOf(before.blocks)
    const child = blocks.find(({ block }) => block.ancestors.some((ancestor) => known(ancestor) !== undefined))
    assert.ok(child !== undefined)
    const late = (ref: BlockRef) => known(ref) && child.block.timestampMs + 1
    assert.throws(() => assembleSubDag(commit, byRef(blocks), late), { code: 'ASSEMBLY_TIMESTAMP_REGRESSED' })
    const same = (ref: BlockRef) => known(ref) && child.block.timestampMs
    assert.equal(assembleSubDag(forgeSubDag(before.commit.ref, [child]).commit, byRef([child]), same).blocks[0], child)
    assert.equal(assembleSubDag(commit, byRef(blocks)).blocks.length, blocks.length, 'none at hand')
  })
})
